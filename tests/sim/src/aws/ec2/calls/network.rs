//! Calls about VPCs, subnets and internet gateways.

use super::super::lookup::{no_subnet, no_vpc};
use super::super::model::{Subnet, Tags, Vpc};
use super::super::network::{NewSubnet, NewVpc, blocks};
use super::super::reading::{Filters, Reading};
use super::{FILTERS, Operation, PAGES, TAGS, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "DescribeVpcs", parameters: &[FILTERS, PAGES, &["VpcId"]], run: describe_vpcs },
    Operation {
        action: "CreateVpc",
        parameters: &[TAGS, &["CidrBlock", "AmazonProvidedIpv6CidrBlock"]],
        run: create_vpc,
    },
    Operation { action: "DeleteVpc", parameters: &[&["VpcId"]], run: delete_vpc },
    Operation { action: "DescribeSubnets", parameters: &[FILTERS, PAGES, &["SubnetId"]], run: describe_subnets },
    Operation {
        action: "CreateSubnet",
        parameters: &[TAGS, &["VpcId", "CidrBlock", "Ipv6CidrBlock", "AvailabilityZone"]],
        run: create_subnet,
    },
    Operation { action: "DeleteSubnet", parameters: &[&["SubnetId"]], run: delete_subnet },
    Operation { action: "CreateInternetGateway", parameters: &[TAGS], run: create_gateway },
    Operation { action: "AttachInternetGateway", parameters: &[&["InternetGatewayId", "VpcId"]], run: attach_gateway },
];

/// What a Describe call reads, if it is no table: reads of these do not lag.
pub struct Listing<'a, T> {
    /// The parameter with ids.
    pub ids: &'a str,
    pub known_filters: &'a [&'a str],
    pub absent: fn(&str) -> Failure,
    pub all: &'a std::collections::BTreeMap<String, T>,
}

impl<T> Listing<'_, T> {
    /// One page of what the call asks for.
    pub fn read<'a>(
        &'a self,
        reading: &Reading,
        call: &Call,
        tags: impl Fn(&T) -> &Tags,
        field: impl Fn(&T, &str) -> Vec<String>,
    ) -> Result<(Vec<&'a T>, Option<String>), Failure> {
        let filters = Filters::of(call, self.known_filters)?;
        let ids = call.list(self.ids);
        if let Some(unknown) = ids.iter().find(|id| !self.all.contains_key(**id)) {
            return Err((self.absent)(unknown));
        }
        let asked = self.all.iter().filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()));
        let found = asked.filter(|(_, each)| filters.accept(tags(each), |name| field(each, name)));
        Ok(reading.page(found.map(|(id, each)| (id.clone(), each))))
    }
}

fn describe_vpcs(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let listing = Listing {
        ids: "VpcId",
        known_filters: &["vpc-id", "cidr", "cidr-block-association.cidr-block", "is-default", "owner-id", "state"],
        absent: no_vpc,
        all: &world.region_mut(&call.scope).ec2.vpcs,
    };
    let field = |vpc: &Vpc, name: &str| match name {
        "vpc-id" => vec![vpc.id.clone()],
        "cidr" => vpc.cidrs.first().map(ToString::to_string).into_iter().collect(),
        "is-default" => vec![vpc.is_default.to_string()],
        "owner-id" => vec![call.scope.account.clone()],
        "state" => vec!["available".into()],
        _ => vpc.cidrs.iter().map(ToString::to_string).collect(),
    };
    let (found, next) = listing.read(&reading, call, |vpc| &vpc.tags, field)?;
    Ok(forms::page("vpcSet", (found.into_iter().map(|vpc| vpc_xml(&call.scope, vpc)).collect(), next)))
}

/// Source: `Vpc`.
fn vpc_xml(scope: &Scope, vpc: &Vpc) -> Xml {
    let association = |number: usize, v6: bool| {
        let (prefix, family) = ("vpc-cidr-assoc", if v6 { "6" } else { "4" });
        format!("{prefix}-{family}{number:x}{}", vpc.id.trim_start_matches("vpc-"))
    };
    let xml = Xml::new()
        .text("vpcId", &vpc.id)
        .text("ownerId", &scope.account)
        .text("state", "available")
        .maybe("cidrBlock", vpc.cidrs.first())
        .text("instanceTenancy", "default")
        .text("isDefault", vpc.is_default);
    let listed = |v6: bool| {
        let (block, state) = if v6 { ("ipv6CidrBlock", "ipv6CidrBlockState") } else { ("cidrBlock", "cidrBlockState") };
        let of_family = blocks(vpc).filter(move |cidr| cidr.addr().is_ipv6() == v6).enumerate();
        of_family.map(move |(number, cidr)| {
            let xml = Xml::new().text("associationId", association(number, v6)).text(block, cidr);
            xml.nested(state, Xml::new().text("state", "associated"))
        })
    };
    let xml = xml.list("cidrBlockAssociationSet", "item", listed(false));
    forms::tag_set(xml.list("ipv6CidrBlockAssociationSet", "item", listed(true)), &vpc.tags)
}

fn create_vpc(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let tags = forms::tag_specifications(call, "vpc")?;
    let cidr = forms::v4(call.required("CidrBlock")?)?;
    let has_ipv6 = call.flag("AmazonProvidedIpv6CidrBlock");
    let id = world.create_vpc(&call.scope, NewVpc { cidr, has_ipv6, is_default: false, tags })?;
    let vpc = world.region_mut(&call.scope).ec2.vpc(&id)?;
    Ok(Xml::new().nested("vpc", vpc_xml(&call.scope, vpc)))
}

fn delete_vpc(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_vpc(&call.scope, call.required("VpcId")?)?;
    Ok(forms::done())
}

fn describe_subnets(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let listing = Listing {
        ids: "SubnetId",
        known_filters: &["subnet-id", "vpc-id", "availability-zone", "cidr-block", "owner-id", "state"],
        absent: no_subnet,
        all: &world.region_mut(&call.scope).ec2.subnets,
    };
    let field = |subnet: &Subnet, name: &str| {
        vec![match name {
            "subnet-id" => subnet.id.clone(),
            "vpc-id" => subnet.vpc.clone(),
            "availability-zone" => subnet.availability_zone.clone(),
            "cidr-block" => subnet.cidr.to_string(),
            "owner-id" => call.scope.account.clone(),
            _ => "available".into(),
        }]
    };
    let (found, next) = listing.read(&reading, call, |subnet| &subnet.tags, field)?;
    let written = found.into_iter().map(|subnet| subnet_xml(&call.scope, subnet)).collect();
    Ok(forms::page("subnetSet", (written, next)))
}

/// Source: `Subnet`.
fn subnet_xml(Scope { account, region }: &Scope, subnet: &Subnet) -> Xml {
    let ipv6 = subnet.ipv6_cidr.map(|cidr| {
        let id = format!("subnet-cidr-assoc-{}", subnet.id.trim_start_matches("subnet-"));
        let xml = Xml::new().text("associationId", id).text("ipv6CidrBlock", cidr);
        xml.nested("ipv6CidrBlockState", Xml::new().text("state", "associated"))
    });
    let xml = Xml::new()
        .text("subnetId", &subnet.id)
        .text("subnetArn", format!("arn:aws:ec2:{region}:{account}:subnet/{}", subnet.id))
        .text("ownerId", account)
        .text("state", "available")
        .text("vpcId", &subnet.vpc)
        .text("cidrBlock", subnet.cidr)
        .text("availabilityZone", &subnet.availability_zone)
        .list("ipv6CidrBlockAssociationSet", "item", ipv6);
    forms::tag_set(xml, &subnet.tags)
}

fn create_subnet(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let new = NewSubnet {
        vpc: call.required("VpcId")?.to_owned(),
        cidr: forms::v4(call.required("CidrBlock")?)?,
        ipv6_cidr: call.text("Ipv6CidrBlock").map(forms::v6).transpose()?,
        availability_zone: call.text("AvailabilityZone").map(str::to_owned),
        tags: forms::tag_specifications(call, "subnet")?,
    };
    let id = world.create_subnet(&call.scope, new)?;
    let subnet = world.region_mut(&call.scope).ec2.subnet(&id)?;
    Ok(Xml::new().nested("subnet", subnet_xml(&call.scope, subnet)))
}

fn delete_subnet(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_subnet(&call.scope, call.required("SubnetId")?)?;
    Ok(forms::done())
}

fn create_gateway(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let tags = forms::tag_specifications(call, "internet-gateway")?;
    let id = world.create_internet_gateway(&call.scope, tags.clone())?;
    let xml = Xml::new().text("internetGatewayId", id).text("ownerId", &call.scope.account);
    let xml = xml.list("attachmentSet", "item", []);
    Ok(Xml::new().nested("internetGateway", forms::tag_set(xml, &tags)))
}

fn attach_gateway(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (gateway, vpc) = (call.required("InternetGatewayId")?, call.required("VpcId")?);
    world.attach_internet_gateway(&call.scope, gateway, vpc)?;
    Ok(forms::done())
}
