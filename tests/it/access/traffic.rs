//! Services, ports and ICMP types, to the exact protocol, type and code.

use super::{applied, groups};

#[tokio::test]
async fn every_service_is_one_protocol_and_port_or_follows_the_address_family() {
    let services = "[HTTP, HTTPS, SSH, RDP, MSSQL, MySQL, Redshift, PostgreSQL, Oracle, NFS, DNS, Ping, PathMTUDiscovery, \
        AllTraffic, AllTCP, AllUDP, AllICMP]";
    let spec = format!(
        "
        securityGroup: {{id: $DB-SG}}
        ingress: [{{services: {services}, from: [{{cidr: 10.0.0.0/8}}]}}]
        egress: [{{services: {services}, to: [{{cidr: '2001:db8::/32'}}, {{securityGroup: {{id: $APP-SG}}}}]}}]"
    );
    let (world, _controller) = applied(groups(&["DB-SG", "APP-SG"]), &spec).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    let of_both = [
        "tcp 80",
        "tcp 443",
        "tcp 22",
        "tcp 3389",
        "tcp 1433",
        "tcp 3306",
        "tcp 5439",
        "tcp 5432",
        "tcp 1521",
        "tcp 2049",
        "tcp 53",
        "udp 53",
        "all",
        "tcp 0-65535",
        "udp 0-65535",
    ];
    let of_v4 = ["icmp 8/-1", "icmp 3/4", "icmp -1/-1"];
    let of_v6 = ["icmpv6 128/0", "icmpv6 2/0", "icmpv6 -1/-1"];
    let ingress = of_both.iter().chain(&of_v4).map(|traffic| format!("DB-SG in {traffic} <- 10.0.0.0/8"));
    let to_v6 = of_both.iter().chain(&of_v6).map(|traffic| format!("DB-SG out {traffic} -> 2001:db8::/32"));
    let to_group = of_both.iter().chain(&of_v4).chain(&of_v6).map(|traffic| format!("DB-SG out {traffic} -> APP-SG"));
    let expected: Vec<String> = ingress.chain(to_v6).chain(to_group).collect();
    world.expect_rules(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(expected.len(), 18 + 18 + 21);
}

#[tokio::test]
async fn ports_and_icmp_types_are_taken_as_they_are_written() {
    let spec = "
        securityGroup: {id: $DB-SG}
        ingress:
        - ports:
          - {protocol: TCP, port: 9000, endPort: 9010}
          - {protocol: TCP, port: 0}
          - {protocol: UDP, port: 514}
          - {protocol: UDP, port: 60000, endPort: 65535}
          - {protocol: ICMP, icmpType: 11}
          - {protocol: ICMP, icmpType: 3, icmpCode: 1}
          - {protocol: All}
          from: [{cidr: 10.0.0.0/8}]
        - ports: [{protocol: ICMPv6}, {protocol: ICMPv6, icmpType: 1}, {protocol: ICMPv6, icmpType: 255, icmpCode: 255}]
          from: [{cidr: '2001:db8::/32'}, {self: true}]";
    let (world, _controller) = applied(groups(&["DB-SG"]), spec).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world
        .expect_rules(&[
            "DB-SG in tcp 9000-9010 <- 10.0.0.0/8",
            "DB-SG in tcp 0 <- 10.0.0.0/8",
            "DB-SG in udp 514 <- 10.0.0.0/8",
            "DB-SG in udp 60000-65535 <- 10.0.0.0/8",
            "DB-SG in icmp 11/-1 <- 10.0.0.0/8",
            "DB-SG in icmp 3/1 <- 10.0.0.0/8",
            "DB-SG in all <- 10.0.0.0/8",
            "DB-SG in icmpv6 -1/-1 <- 2001:db8::/32",
            "DB-SG in icmpv6 1/-1 <- 2001:db8::/32",
            "DB-SG in icmpv6 255/255 <- 2001:db8::/32",
            "DB-SG in icmpv6 -1/-1 <- DB-SG",
            "DB-SG in icmpv6 1/-1 <- DB-SG",
            "DB-SG in icmpv6 255/255 <- DB-SG",
        ])
        .await;
}

/// Neither merged nor widened: each entry stands for itself, and what two entries say is there once.
#[tokio::test]
async fn overlapping_entries_come_to_the_union_of_their_rules() {
    let spec = "
        securityGroup: {id: $DB-SG}
        ingress:
        - {services: [PostgreSQL], from: [{cidr: 10.0.0.0/8}, {cidr: 10.1.0.0/16}], description: the whole network}
        - {ports: [{protocol: TCP, port: 5432}], from: [{cidr: 10.1.0.0/16}], description: reports}
        - {ports: [{protocol: TCP, port: 5432, endPort: 5433}], from: [{cidr: 10.1.0.0/16}]}";
    let (world, _controller) = applied(groups(&["DB-SG"]), spec).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world
        .rules_and_owners_become(vec![
            "DB-SG in tcp 5432 <- 10.0.0.0/8 (ours, \"sgbind team: sga/team/db - the whole network\")".into(),
            "DB-SG in tcp 5432 <- 10.1.0.0/16 (ours, \"sgbind team: sga/team/db - reports; the whole network\")".into(),
            "DB-SG in tcp 5432-5433 <- 10.1.0.0/16 (ours, \"sgbind team: sga/team/db\")".into(),
        ])
        .await;
}
