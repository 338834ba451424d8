//! What is looked for by the tag of rules.

use std::collections::BTreeSet;

use super::{rule_item, rules};
use crate::aws::testing::cloud;

#[tokio::test]
async fn groups_are_found_by_the_tag_of_their_rules_on_all_pages() {
    let tagged = |id: &str, value: &str| {
        let tags = format!("<tagSet><item><key>k</key><value>{value}</value></item></tagSet>");
        rule_item(id, &format!("<cidrIpv4>10.0.0.0/8</cidrIpv4>{tags}")).replace("sg-1", &format!("sg-of-{id}"))
    };
    let (cloud, seen) = cloud(move |form| match form.get("NextToken") {
        // To EC2 the second value is a pattern, which finds more.
        None => rules(&(tagged("sgr-1", "one") + &tagged("sgr-2", "t*o") + &tagged("sgr-3", "tango")), "t1"),
        Some(_) => rules(&tagged("sgr-4", "one"), ""),
    });
    let values = BTreeSet::from(["one".to_owned(), "t*o".to_owned()]);
    let found = cloud.groups_with_rules_tagged("k", &values).await.unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["sg-of-sgr-1", "sg-of-sgr-2", "sg-of-sgr-4"]);
    let requests = seen.all();
    assert_eq!(requests.len(), 2);
    let asked =
        ["Filter.1.Name", "Filter.1.Value.1", "Filter.1.Value.2", "MaxResults"].map(|name| requests[0][name].as_str());
    assert_eq!(asked, ["tag:k", "one", "t*o", "1000"]);
}
