//! Route tables: the longest prefix that matches decides.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::aws::ec2::model::{Ec2, Interface, RouteTable};

use super::{Hop, Leg, is_inside};

/// Asks the route table of an interface's subnet for the way to an address.
pub fn check(ec2: &Ec2, leg: Leg, interface: &Interface, to: IpAddr) -> Result<(), Hop> {
    let dropped = |table: Option<&RouteTable>, destination| Hop::Route {
        leg,
        subnet: interface.subnet.clone(),
        table: table.map(|table| table.id.clone()),
        destination,
    };
    let table = table_of(ec2, interface).ok_or_else(|| dropped(None, None))?;
    let routes = table.routes.iter().filter(|route| route.destination.contains(&to));
    let best = routes.max_by_key(|route| route.destination.prefix_len());
    let local = local_block(ec2, interface, to);
    match (best, local) {
        // A VPC's own blocks are routed by every table, whether it lists them or not.
        (Some(route), Some(local)) if route.destination.prefix_len() < local.prefix_len() => Ok(()),
        (Some(route), _) if route.is_blackhole => Err(dropped(Some(table), Some(route.destination))),
        (Some(_), _) | (None, Some(_)) => Ok(()),
        (None, None) => Err(dropped(Some(table), None)),
    }
}

/// The VPC's main table where a subnet is associated with none.
fn table_of<'a>(ec2: &'a Ec2, interface: &Interface) -> Option<&'a RouteTable> {
    let own = ec2.route_tables.values().find(|table| table.subnets.contains(&interface.subnet));
    own.or_else(|| ec2.route_tables.values().find(|table| table.is_main && table.vpc == interface.vpc))
}

fn local_block(ec2: &Ec2, interface: &Interface, to: IpAddr) -> Option<IpNet> {
    let vpc = ec2.vpcs.get(&interface.vpc).filter(|vpc| is_inside(vpc, to))?;
    let blocks = vpc.cidrs.iter().copied().map(IpNet::V4).chain(vpc.ipv6_cidrs.iter().copied().map(IpNet::V6));
    blocks.filter(|block| block.contains(&to)).max_by_key(IpNet::prefix_len)
}
