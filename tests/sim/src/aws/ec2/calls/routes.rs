//! Calls about route tables.

use super::super::lookup::no_route_table;
use super::super::model::{Ec2, Route, RouteTable};
use super::super::reading::Reading;
use super::acls::UNTAGGED;
use super::network::Listing;
use super::{FILTERS, Operation, PAGES, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

/// Parameters that name where a route leads to, with the elements in which answers do, and the kinds of ids.
const TARGETS: [(&str, &str, &str); 7] = [
    ("GatewayId", "gatewayId", "igw"),
    ("NatGatewayId", "natGatewayId", "nat"),
    ("VpcPeeringConnectionId", "vpcPeeringConnectionId", "pcx"),
    ("TransitGatewayId", "transitGatewayId", "tgw"),
    ("EgressOnlyInternetGatewayId", "egressOnlyInternetGatewayId", "eigw"),
    ("NetworkInterfaceId", "networkInterfaceId", "eni"),
    ("InstanceId", "instanceId", "i"),
];

const CREATE_ROUTE: &[&str] = &[
    "RouteTableId",
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "GatewayId",
    "NatGatewayId",
    "VpcPeeringConnectionId",
    "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
    "NetworkInterfaceId",
    "InstanceId",
];

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "DescribeRouteTables", parameters: &[FILTERS, PAGES, &["RouteTableId"]], run: describe },
    Operation { action: "CreateRouteTable", parameters: &[&["VpcId", "ClientToken"]], run: create },
    Operation { action: "AssociateRouteTable", parameters: &[&["RouteTableId", "SubnetId"]], run: associate },
    Operation { action: "CreateRoute", parameters: &[CREATE_ROUTE], run: create_route },
    Operation {
        action: "DeleteRoute",
        parameters: &[&["RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock"]],
        run: delete_route,
    },
];

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(5..=100))?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    let listing = Listing {
        ids: "RouteTableId",
        known_filters: &[
            "route-table-id",
            "vpc-id",
            "owner-id",
            "association.main",
            "association.subnet-id",
            "route.gateway-id",
        ],
        absent: no_route_table,
        all: &ec2.route_tables,
    };
    let field = |table: &RouteTable, name: &str| match name {
        "route-table-id" => vec![table.id.clone()],
        "vpc-id" => vec![table.vpc.clone()],
        "owner-id" => vec![call.scope.account.clone()],
        "association.main" => vec![table.is_main.to_string()],
        "association.subnet-id" => table.subnets.iter().cloned().collect(),
        _ => table.routes.iter().filter(|route| is_gateway(route)).map(|route| route.target.clone()).collect(),
    };
    let (found, next) = listing.read(&reading, call, |_| UNTAGGED, field)?;
    let written = found.into_iter().map(|table| xml(&call.scope, ec2, table)).collect();
    Ok(forms::page("routeTableSet", (written, next)))
}

fn is_gateway(route: &Route) -> bool {
    route.target == "local" || route.target.starts_with("igw-")
}

/// Source: `RouteTable`. The main table is associated with the VPC, by an association without a subnet.
fn xml(scope: &Scope, ec2: &Ec2, table: &RouteTable) -> Xml {
    let associated = || Xml::new().text("state", "associated");
    let main = table.is_main.then(|| {
        let id = table.id.replacen("rtb-", "rtbassoc-", 1);
        let xml = Xml::new().text("routeTableAssociationId", id).text("routeTableId", &table.id);
        xml.text("main", true).nested("associationState", associated())
    });
    let association = |subnet: &String| {
        let xml = Xml::new().maybe("routeTableAssociationId", ec2.table_associations.get(subnet));
        let xml = xml.text("routeTableId", &table.id).text("subnetId", subnet).text("main", false);
        xml.nested("associationState", associated())
    };
    Xml::new()
        .text("routeTableId", &table.id)
        .text("vpcId", &table.vpc)
        .text("ownerId", &scope.account)
        .list("routeSet", "item", table.routes.iter().map(route_xml))
        .list("associationSet", "item", main.into_iter().chain(table.subnets.iter().map(association)))
        .list("propagatingVgwSet", "item", [])
        .list("tagSet", "item", [])
}

/// Source: `Route`.
fn route_xml(route: &Route) -> Xml {
    let is_v4 = route.destination.addr().is_ipv4();
    let kind = route.target.split('-').next().unwrap_or_default();
    let element = TARGETS.iter().find(|(_, _, of)| *of == kind).map_or("gatewayId", |(_, element, _)| *element);
    let is_local = route.target == "local";
    Xml::new()
        .text(if is_v4 { "destinationCidrBlock" } else { "destinationIpv6CidrBlock" }, route.destination)
        .text(element, &route.target)
        .text("state", if route.is_blackhole { "blackhole" } else { "active" })
        .text("origin", if is_local { "CreateRouteTable" } else { "CreateRoute" })
}

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let id = world.create_route_table(&call.scope, call.required("VpcId")?)?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    Ok(Xml::new().nested("routeTable", xml(&call.scope, ec2, ec2.route_table(&id)?)))
}

fn associate(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (table, subnet) = (call.required("RouteTableId")?, call.required("SubnetId")?);
    let id = world.associate_route_table(&call.scope, table, subnet)?;
    let state = Xml::new().text("state", "associated");
    Ok(Xml::new().text("associationId", id).nested("associationState", state))
}

fn create_route(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let table = call.required("RouteTableId")?;
    let destination = forms::either(call, "DestinationCidrBlock", "DestinationIpv6CidrBlock")?;
    let given: Vec<&str> = TARGETS.iter().filter_map(|(parameter, ..)| call.text(parameter)).collect();
    let [target] = given[..] else {
        let message = "Exactly one target of the route must be specified";
        return Err(Failure::new("InvalidParameterCombination", message));
    };
    world.create_route(&call.scope, table, destination, target)?;
    Ok(forms::done())
}

fn delete_route(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let table = call.required("RouteTableId")?;
    let destination = forms::either(call, "DestinationCidrBlock", "DestinationIpv6CidrBlock")?;
    world.delete_route(&call.scope, table, destination)?;
    Ok(forms::done())
}
