//! Rows of the table of roles: who may reach the members of one security group, and whom they may reach.

use super::Row;
use crate::world::{Estate, estate, group};

const KIND: &str = "SecurityGroupAccess";

/// Security groups that have opted in.
fn groups(names: &[&str]) -> Estate {
    names.iter().fold(estate(), |estate, name| estate.group(group(name)))
}

/// A row in which an access is applied to the first of the groups, and comes to exactly these rules.
async fn role(id: &'static str, situation: &str, names: &[&str], spec: &str, rules: &[&str]) {
    let mut row = Row::new(id, situation, groups(names)).await;
    let name = id.to_owned();
    row.apply(KIND, &name, spec).await;
    let object = format!("sga/{name}");
    row.world.wait_for(&object, "Ready=True InSync").await;
    row.rules(rules).await;
    let (ingress, egress) = (fullest(rules, "in"), fullest(rules, "out"));
    let count = rules.len();
    let rest = [
        format!("writes {}", names[0]),
        format!("{} in {ingress}/60 out {egress}/60", names[0]),
        format!("rules {count}/{count}, 0 missing, 0 surplus, 0 foreign"),
    ];
    row.world.expect_settled(&object, "InSync", &rest.each_ref().map(String::as_str)).await;
    row.show();
}

/// How many rules of a direction count in the fuller address family: a reference to a group counts in both.
fn fullest(rules: &[&str], direction: &str) -> usize {
    let of_direction = || rules.iter().filter(|rule| rule.split(' ').nth(1) == Some(direction));
    let peer = |rule: &&&str| rule.rsplit(' ').next().unwrap_or_default().to_owned();
    let v4 = of_direction().filter(|rule| !peer(rule).contains(':')).count();
    let v6 = of_direction().filter(|rule| !peer(rule).contains('.')).count();
    v4.max(v6)
}

#[tokio::test]
async fn web_server() {
    role(
        "web-server",
        "A web server that anyone may reach by HTTP and HTTPS, over IPv4 and IPv6.",
        &["WEB-SG"],
        "
        securityGroup: {id: $WEB-SG}
        ingress:
        - services: [HTTP, HTTPS]
          from: [{cidr: 0.0.0.0/0}, {cidr: '::/0'}]",
        &[
            "WEB-SG in tcp 443 <- 0.0.0.0/0",
            "WEB-SG in tcp 443 <- ::/0",
            "WEB-SG in tcp 80 <- 0.0.0.0/0",
            "WEB-SG in tcp 80 <- ::/0",
        ],
    )
    .await;
}

/// A database that a network and the members of a group may reach.
async fn database(id: &'static str, situation: &str, service: &str, port: u16) {
    let spec = format!(
        "
        securityGroup: {{id: $DB-SG}}
        ingress:
        - services: [{service}]
          from: [{{cidr: 10.20.0.0/16}}, {{securityGroup: {{id: $APP-SG}}}}]"
    );
    let rules = [format!("DB-SG in tcp {port} <- 10.20.0.0/16"), format!("DB-SG in tcp {port} <- APP-SG")];
    role(id, situation, &["DB-SG", "APP-SG"], &spec, &rules.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn db_mssql() {
    database("db-mssql", "Microsoft SQL Server, for a network and for the app.", "MSSQL", 1433).await;
}

#[tokio::test]
async fn db_mysql() {
    database("db-mysql", "MySQL or Aurora, for a network and for the app.", "MySQL", 3306).await;
}

#[tokio::test]
async fn db_redshift() {
    database("db-redshift", "Redshift, for a network and for the app.", "Redshift", 5439).await;
}

#[tokio::test]
async fn db_postgresql() {
    database("db-postgresql", "PostgreSQL, for a network and for the app.", "PostgreSQL", 5432).await;
}

#[tokio::test]
async fn db_oracle() {
    database("db-oracle", "Oracle, for a network and for the app.", "Oracle", 1521).await;
}

#[tokio::test]
async fn restricted_egress() {
    let situation = "Instances that fetch nothing but updates from the internet. The group still has the egress to anywhere \
        that AWS gives every new group; it goes, once the exact egress was seen to be there. At first:";
    let found = estate().group(group("UPDATES-SG").with_default_egress());
    let mut row = Row::new("restricted-egress", situation, found).await;
    row.rules(&["UPDATES-SG out all -> 0.0.0.0/0", "UPDATES-SG out all -> ::/0"]).await;
    let spec = "
        securityGroup: {id: $UPDATES-SG}
        egress:
        - services: [HTTP, HTTPS]
          to: [{cidr: 0.0.0.0/0}, {cidr: '::/0'}]
        foreignRules: Remove";
    row.apply(KIND, "restricted-egress", spec).await;
    row.say("Then:");
    let exact = [
        "UPDATES-SG out tcp 443 -> 0.0.0.0/0",
        "UPDATES-SG out tcp 443 -> ::/0",
        "UPDATES-SG out tcp 80 -> 0.0.0.0/0",
        "UPDATES-SG out tcp 80 -> ::/0",
    ];
    row.world.rules_become(&exact).await;
    row.world.wait_for("sga/restricted-egress", "Ready=True InSync").await;
    row.rules(&exact).await;
    let rest = ["writes UPDATES-SG", "UPDATES-SG in 0/60 out 2/60", "rules 4/4, 0 missing, 0 surplus, 0 foreign"];
    row.world.expect_settled("sga/restricted-egress", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn same_group() {
    role(
        "same-group",
        "Members of a group reach each other by everything, in one rule.",
        &["CLUSTER-SG"],
        "
        securityGroup: {id: $CLUSTER-SG}
        ingress:
        - services: [AllTraffic]
          from: [{self: true}]",
        &["CLUSTER-SG in all <- CLUSTER-SG"],
    )
    .await;
}

#[tokio::test]
async fn same_group_split() {
    role(
        "same-group-split",
        "The same as three rules: all ICMP, TCP and UDP.",
        &["CLUSTER-SG"],
        "
        securityGroup: {id: $CLUSTER-SG}
        ingress:
        - ports:
          - {protocol: ICMP}
          - {protocol: TCP, port: 0, endPort: 65535}
          - {protocol: UDP, port: 0, endPort: 65535}
          from: [{self: true}]",
        &[
            "CLUSTER-SG in icmp -1/-1 <- CLUSTER-SG",
            "CLUSTER-SG in tcp 0-65535 <- CLUSTER-SG",
            "CLUSTER-SG in udp 0-65535 <- CLUSTER-SG",
        ],
    )
    .await;
}

/// Instances that administrators reach from an address and a range, and over IPv6.
async fn administration(id: &'static str, instances: &str, service: &str, port: u16) {
    let situation = format!(
        "{instances} instances that administrators reach by {service}, from an address and a range, and over IPv6."
    );
    let spec = format!(
        "
        securityGroup: {{id: $ADMIN-SG}}
        ingress:
        - services: [{service}]
          from: [{{cidr: 203.0.113.7/32}}, {{cidr: 198.51.100.0/24}}, {{cidr: '2001:db8:7::/48'}}]"
    );
    let rules = ["198.51.100.0/24", "2001:db8:7::/48", "203.0.113.7/32"]
        .map(|network| format!("ADMIN-SG in tcp {port} <- {network}"));
    role(id, &situation, &["ADMIN-SG"], &spec, &rules.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn ssh() {
    administration("ssh", "Linux", "SSH", 22).await;
}

#[tokio::test]
async fn rdp() {
    administration("rdp", "Windows", "RDP", 3389).await;
}

#[tokio::test]
async fn path_mtu() {
    role(
        "path-mtu",
        "Path MTU discovery: `fragmentation needed` over IPv4, `packet too big` (RFC 8201) over IPv6. The members of a group \
         may have addresses of both families.",
        &["WEB-SG", "APP-SG"],
        "
        securityGroup: {id: $WEB-SG}
        ingress:
        - services: [PathMTUDiscovery]
          from: [{cidr: 203.0.113.7/32}, {cidr: '2001:db8::7/128'}, {securityGroup: {id: $APP-SG}}]",
        &[
            "WEB-SG in icmp 3/4 <- 203.0.113.7/32",
            "WEB-SG in icmp 3/4 <- APP-SG",
            "WEB-SG in icmpv6 2/0 <- 2001:db8::7/128",
            "WEB-SG in icmpv6 2/0 <- APP-SG",
        ],
    )
    .await;
}

#[tokio::test]
async fn ping() {
    role(
        "ping",
        "Instances that answer to ping over IPv4.",
        &["WEB-SG"],
        "
        securityGroup: {id: $WEB-SG}
        ingress:
        - services: [Ping]
          from: [{cidr: 10.0.0.0/8}]",
        &["WEB-SG in icmp 8/-1 <- 10.0.0.0/8"],
    )
    .await;
}

#[tokio::test]
async fn ping6() {
    role(
        "ping6",
        "Instances that answer to ping over IPv6. The service is the same; it follows the peer's address family.",
        &["WEB-SG"],
        "
        securityGroup: {id: $WEB-SG}
        ingress:
        - services: [Ping]
          from: [{cidr: '2001:db8::/32'}]",
        &["WEB-SG in icmpv6 128/0 <- 2001:db8::/32"],
    )
    .await;
}

#[tokio::test]
async fn dns() {
    role(
        "dns",
        "A DNS server, for a network and for the app: by UDP and by TCP.",
        &["DNS-SG", "APP-SG"],
        "
        securityGroup: {id: $DNS-SG}
        ingress:
        - services: [DNS]
          from: [{cidr: 10.0.0.0/8}, {securityGroup: {id: $APP-SG}}]",
        &[
            "DNS-SG in tcp 53 <- 10.0.0.0/8",
            "DNS-SG in tcp 53 <- APP-SG",
            "DNS-SG in udp 53 <- 10.0.0.0/8",
            "DNS-SG in udp 53 <- APP-SG",
        ],
    )
    .await;
}

#[tokio::test]
async fn efs() {
    let situation = "An EFS mount target, for the group of its clients.";
    let mut row = Row::new("efs", situation, groups(&["MOUNT-SG", "CLIENT-SG", "SHARED-SG"])).await;
    let spec = "
        securityGroup: {id: $MOUNT-SG}
        ingress:
        - services: [NFS]
          from: [{securityGroup: {id: $CLIENT-SG}}]";
    row.apply(KIND, "mount-target", spec).await;
    row.world.wait_for("sga/mount-target", "Ready=True InSync").await;
    row.rules(&["MOUNT-SG in tcp 2049 <- CLIENT-SG"]).await;
    row.say("Where clients and mount target share a group, beside it:");
    let spec = "
        securityGroup: {id: $SHARED-SG}
        ingress:
        - services: [NFS]
          from: [{self: true}]";
    row.apply(KIND, "shared", spec).await;
    row.world.wait_for("sga/shared", "Ready=True InSync").await;
    row.rules(&["MOUNT-SG in tcp 2049 <- CLIENT-SG", "SHARED-SG in tcp 2049 <- SHARED-SG"]).await;
    for (name, group) in [("sga/mount-target", "MOUNT-SG"), ("sga/shared", "SHARED-SG")] {
        let rest = [&format!("writes {group}"), &format!("{group} in 1/60 out 0/60")];
        let rest = rest.into_iter().map(String::as_str).chain(["rules 1/1, 0 missing, 0 surplus, 0 foreign"]);
        row.world.expect_settled(name, "InSync", &rest.collect::<Vec<_>>()).await;
    }
    row.show();
}

#[tokio::test]
async fn efs_mount() {
    role(
        "efs-mount",
        "An instance that mounts an EFS file system, reached by SSH from the local range.",
        &["CLIENT-SG"],
        "
        securityGroup: {id: $CLIENT-SG}
        ingress:
        - services: [SSH]
          from: [{cidr: 203.0.113.0/24}]",
        &["CLIENT-SG in tcp 22 <- 203.0.113.0/24"],
    )
    .await;
}
