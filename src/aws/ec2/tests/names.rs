//! What is looked up by name, for many objects at once.

use crate::aws::testing::{Answer, cloud};
use crate::aws::{AwsError, SecurityGroup};

#[tokio::test]
async fn what_is_asked_for_by_name_at_one_moment_is_one_call() {
    let item = |id: &str, name: &str, vpc: &str| {
        format!("<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>{vpc}</vpcId><tagSet/></item>")
    };
    // As the filters have it: every name in every VPC.
    let found = [item("sg-1", "web", "vpc-1"), item("sg-2", "web", "vpc-2"), item("sg-3", "db", "vpc-2")].concat();
    let list = |id: &str, name: &str| {
        format!("<item><prefixListId>{id}</prefixListId><prefixListName>{name}</prefixListName></item>")
    };
    let lists = list("pl-1", "office") + &list("pl-2", "partners");
    let (cloud, seen) = cloud(move |form| match form["Action"].as_str() {
        "DescribeSecurityGroups" => {
            Answer::ec2("DescribeSecurityGroups", &format!("<securityGroupInfo>{found}</securityGroupInfo>"))
        }
        _ => Answer::ec2("DescribeManagedPrefixLists", &format!("<prefixListSet>{lists}</prefixListSet>")),
    });
    let (one, two) = ("vpc-1".into(), "vpc-2".into());
    let (web, db, none) =
        tokio::join!(cloud.groups_named(&one, "web"), cloud.groups_named(&two, "db"), cloud.groups_named(&one, "db"));
    let ids = |found: Result<Vec<SecurityGroup>, AwsError>| -> Vec<String> {
        found.unwrap().iter().map(|group| group.key.id.to_string()).collect()
    };
    assert_eq!((ids(web), ids(db), ids(none)), (vec!["sg-1".into()], vec!["sg-3".into()], vec![]));
    assert_eq!(seen.all().len(), 1);

    let (office, both) = (["office".to_owned()].into(), ["office".to_owned(), "partners".to_owned()].into());
    let (office, both) = tokio::join!(cloud.prefix_lists_by_name(&office), cloud.prefix_lists_by_name(&both));
    assert_eq!((office.unwrap().len(), both.unwrap().len()), (1, 2));
    assert_eq!(seen.all().len(), 2);
    let (first, second) = (["pl-1".into()].into(), ["pl-2".into(), "pl-9".into()].into());
    let (first, second) = tokio::join!(cloud.prefix_lists_by_id(&first), cloud.prefix_lists_by_id(&second));
    assert_eq!((first.unwrap()[0].name.clone(), second.unwrap().len()), ("office".to_owned(), 1));
    assert_eq!(seen.all().len(), 3);
}
