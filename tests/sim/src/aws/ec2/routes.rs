//! Route tables.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::lookup::{absent, invalid, no_internet_gateway};
use super::model::{Ec2, Route, RouteTable};
use super::network;
use crate::aws::{Failure, Scope, World};

impl World {
    /// Makes one with the routes within the VPC, and answers its id.
    ///
    /// Source: `CreateRouteTable`.
    pub fn create_route_table(&mut self, scope: &Scope, vpc: &str) -> Result<String, Failure> {
        let routes = network::local_routes(self.region_mut(scope).ec2.vpc(vpc)?);
        let id = self.new_id("rtb");
        let vpc = vpc.to_owned();
        let table = RouteTable { id: id.clone(), vpc, is_main: false, subnets: BTreeSet::new(), routes };
        self.region_mut(scope).ec2.route_tables.insert(id.clone(), table);
        Ok(id)
    }

    /// Lets a table count for a subnet that has none of its own, and answers the association's id.
    ///
    /// Source: `AssociateRouteTable`.
    pub fn associate_route_table(&mut self, scope: &Scope, table: &str, subnet: &str) -> Result<String, Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let vpc = ec2.route_table(table)?.vpc.clone();
        if ec2.subnet(subnet)?.vpc != vpc {
            return Err(invalid(format!("{table} and {subnet} belong to different networks")));
        }
        if let Some(other) = ec2.route_tables.values().find(|other| other.subnets.contains(subnet)) {
            let message =
                format!("the specified association for route table {} conflicts with an existing one", other.id);
            return Err(Failure::new("Resource.AlreadyAssociated", message));
        }
        let id = self.new_id("rtbassoc");
        let ec2 = &mut self.region_mut(scope).ec2;
        ec2.table_associations.insert(subnet.to_owned(), id.clone());
        self.change_table(scope, table, |table| {
            table.subnets.insert(subnet.to_owned());
        });
        Ok(id)
    }

    /// Adds a route to `igw-…`, `eni-…`, `i-…`, which must be there, or to `nat-…`, `pcx-…`, `tgw-…`, `eigw-…`, which
    /// are held nowhere: any id will do.
    ///
    /// Source: `CreateRoute`.
    pub fn create_route(
        &mut self,
        scope: &Scope,
        table: &str,
        destination: IpNet,
        target: &str,
    ) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let held = ec2.route_table(table)?;
        check_target(ec2, held, target)?;
        let destination = destination.trunc();
        if held.routes.iter().any(|route| route.destination == destination) {
            let message = format!("The route identified by {destination} already exists.");
            return Err(Failure::new("RouteAlreadyExists", message));
        }
        let route = Route { destination, target: target.to_owned(), is_blackhole: false };
        self.change_table(scope, table, |table| table.routes.push(route));
        Ok(())
    }

    /// Source: `DeleteRoute`.
    pub fn delete_route(&mut self, scope: &Scope, table: &str, destination: IpNet) -> Result<(), Failure> {
        let destination = destination.trunc();
        let held = self.region_mut(scope).ec2.route_table(table)?;
        let route = held.routes.iter().find(|route| route.destination == destination);
        let route = route.ok_or_else(|| absent("InvalidRoute.NotFound", "route", &destination.to_string()))?;
        if route.target == "local" {
            return Err(invalid(format!("cannot remove local route {destination} in route table {table}")));
        }
        self.change_table(scope, table, |table| table.routes.retain(|route| route.destination != destination));
        Ok(())
    }

    fn change_table(&mut self, scope: &Scope, id: &str, change: impl FnOnce(&mut RouteTable)) {
        let Some(table) = self.region_mut(scope).ec2.route_tables.get_mut(id) else { return };
        change(table);
        let vpc = table.vpc.clone();
        self.change_vpc(scope, &vpc);
    }
}

fn check_target(ec2: &Ec2, table: &RouteTable, target: &str) -> Result<(), Failure> {
    match target.split('-').next().unwrap_or_default() {
        "igw" => {
            let gateway = ec2.internet_gateways.get(target).ok_or_else(|| no_internet_gateway(target))?;
            if gateway.vpc.as_deref() == Some(table.vpc.as_str()) {
                return Ok(());
            }
            Err(invalid(format!("route table {} and network gateway {target} belong to different networks", table.id)))
        }
        "eni" => ec2.interface(target).map(drop),
        "i" => ec2.instance(target).map(drop),
        "nat" | "pcx" | "tgw" | "eigw" => Ok(()),
        _ => Err(invalid(format!("routes to '{target}' are not simulated"))),
    }
}
