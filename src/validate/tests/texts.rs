//! What names and ids look like.

use super::super::texts::*;

#[test]
fn what_texts_are() {
    let arn = "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:123456789012";
    let load_balancer = |resource: &str| is_load_balancer_arn(&format!("{arn}:loadbalancer/{resource}"));
    let table = [
        (is_id("sg-", "sg-0a1b2c3d"), is_id("sg-", "sg-0a1b2c3")),
        (is_id("sg-", "sg-0a1b2c3d4e5f67890"), is_id("sg-", "sg-0a1b2c3d4e5f678901")),
        (is_id("pl-", "pl-0a1b2c3d"), is_id("pl-", "pl-0A1B2C3D")),
        (is_account("123456789012"), is_account("12345678901a")),
        (is_region("ap-northeast-2"), is_region("ap-northeast-2a")),
        (is_region("us-gov-west-1"), is_region("us-1")),
        (is_hyphenated("Shop-1"), is_hyphenated("shop-")),
        (is_hyphenated("a"), is_hyphenated("")),
        (is_object_name("shop.example-1"), is_object_name("shop..example")),
        (is_object_name("shop"), is_object_name("Shop")),
        (is_load_balancer_name("shop-internal"), is_load_balancer_name("internal-shop")),
        (load_balancer("app/shop/50dc6c495c0c9188"), load_balancer("gwy/shop/50dc6c495c0c9188")),
        (load_balancer("net/shop/50dc6c495c0c9188"), load_balancer("net/shop")),
        (is_target_group_arn(&format!("{arn}:targetgroup/shop/73e2d6bc")), is_target_group_arn(arn)),
    ];
    for (row, (right, wrong)) in table.into_iter().enumerate() {
        assert!(right && !wrong, "row {row}: {right}, {wrong}");
    }
}
