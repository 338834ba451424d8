//! Load balancers in other accounts and Regions, on the API server and the AWS stand-in.

use std::process::Command;

use sgbind::api::names::FINALIZER;

use crate::world::{Estate, World, estate};

const OTHER: &str = "210987654321";
const ROLE: &str = "arn:aws:iam::210987654321:role/teams/sgbind";
const ACCOUNT_ROLE: &str = "210987654321=arn:aws:iam::210987654321:role/teams/sgbind";

const SHOP: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const CART: &str = "{accountID: '210987654321', loadBalancer: {name: cart}, clients: [{cidr: 192.0.2.0/24}]}";

const SHOP_RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
const CART_RULES: [&str; 3] = [
    "CART-LB-SG in tcp 443 <- 192.0.2.0/24",
    "CART-LB-SG out tcp 9000 -> CART-SG",
    "CART-SG in tcp 9000 <- CART-LB-SG",
];

fn shop() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

fn cart() -> Estate {
    let balancer = estate().internet_facing("cart").in_groups(&["CART-LB-SG"]).forward(443, "basket");
    balancer.target_group("basket", 9000).instance("CART-SG")
}

/// A load balancer in the controller's own account, and one in another.
async fn two_accounts() -> (World, World) {
    let home = World::with(shop()).await;
    let there = home.elsewhere(home.aws.assuming(ROLE).await).await;
    there.build(cart()).await;
    (home, there)
}

/// The rules with the description and the tag that the binding's own have.
fn owned(rules: &[&str], binding: &str) -> Vec<String> {
    rules.iter().map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/{binding}\")")).collect()
}

#[tokio::test]
async fn one_controller_serves_load_balancers_of_two_accounts() {
    let (home, there) = two_accounts().await;
    let _controller = home.controller(&["--account-role", ACCOUNT_ROLE]).await;
    home.apply("shop", SHOP).await;
    home.apply("cart", CART).await;
    for name in ["shop", "cart"] {
        home.wait_for(name, "Ready=True InSync").await;
    }
    home.rules_and_owners_become(owned(&SHOP_RULES, "shop")).await;
    there.rules_and_owners_become(owned(&CART_RULES, "cart")).await;

    // What someone takes away there is put back, and what is wanted no more goes.
    there.revoke(&CART_RULES[2..]).await;
    there.rules_become(&CART_RULES).await;
    home.delete("cart").await;
    there.expect_rules(&[]).await;
    home.expect_rules(&SHOP_RULES).await;
}

#[tokio::test]
async fn nothing_is_written_in_an_account_without_a_role() {
    let (home, there) = two_accounts().await;
    let _controller = home.controller(&[]).await;
    home.apply("cart", CART).await;
    home.apply("shop", SHOP).await;
    let message = home.wait_for("cart", "Ready=False AccessDenied").await;
    assert_eq!(
        message,
        "no role is configured for account 210987654321: the controller works in its own account 123456789012; start it \
         with --account-role 210987654321=arn:aws:iam::210987654321:role/NAME, or with this in SGBIND_ACCOUNT_ROLE"
    );
    home.wait_for("shop", "Ready=True InSync").await;
    there.expect_rules(&[]).await;
    home.expect_rules(&SHOP_RULES).await;
    // It is known of no rule, so the binding goes at once.
    assert_eq!(home.get("cart").await.metadata().finalizers.clone().unwrap_or_default(), [FINALIZER]);
    home.delete("cart").await;
}

#[tokio::test]
async fn rules_are_made_in_the_region_of_the_load_balancers_arn() {
    let home = World::with(shop()).await;
    let there = home.elsewhere(home.aws.in_region("eu-west-1")).await;
    there.build(cart()).await;
    let _controller = home.controller(&[]).await;
    there.apply("cart", "{loadBalancer: {arn: '$lb cart'}, clients: [{cidr: 192.0.2.0/24}]}").await;
    home.wait_for("cart", "Ready=True InSync").await;
    there.rules_and_owners_become(owned(&CART_RULES, "cart")).await;
    home.expect_rules(&[]).await;
}

#[tokio::test]
async fn a_peer_may_be_a_group_of_another_account() {
    let (home, there) = two_accounts().await;
    let _controller = home.controller(&[]).await;
    let spec = "{loadBalancer: {name: shop}, clients: [{securityGroup: {id: $CART-SG, accountID: '210987654321'}}]}";
    there.apply("shop", spec).await;
    home.wait_for("shop", "Ready=True InSync").await;
    let rules: Vec<String> = home.rules().await.into_iter().map(|rule| there.named(rule)).collect();
    assert_eq!(rules, [&format!("ALB-SG in tcp 443 <- {OTHER}/CART-SG"), SHOP_RULES[1], SHOP_RULES[2]]);
    there.expect_rules(&[]).await;
}

/// A role that can't be meant ends the controller before it does anything.
#[test]
fn roles_of_accounts_are_read_or_refused_at_the_start() {
    let start = |arguments: &[&str], variable: Option<&str>| {
        let mut controller = Command::new(env!("CARGO_BIN_EXE_sgbind"));
        controller.args(["controller", "--cluster-name", "prod", "--http-address", "127.0.0.1:0"]).args(arguments);
        controller.env_clear().env("KUBECONFIG", "/absent").envs(variable.map(|roles| ("SGBIND_ACCOUNT_ROLE", roles)));
        String::from_utf8(controller.output().unwrap().stderr).unwrap()
    };
    let one = "111122223333=arn:aws:iam::111122223333:role/sgbind";
    let other = "444455556666=arn:aws:iam::444455556666:role/sgbind";
    let understood = "no Kubernetes API server is configured";
    for said in
        [start(&["--account-role", one, "--account-role", other], None), start(&[], Some(&format!("{one},{other}")))]
    {
        assert!(said.contains(understood), "{said}");
    }
    for (said, expected) in [
        (start(&["--account-role", one, "--account-role", one], None), "account 111122223333 is given twice"),
        (start(&[], Some(&format!("{one},{one}"))), "account 111122223333 is given twice"),
        (start(&["--account-role", "111122223333"], None), "expected ACCOUNT=ROLE-ARN"),
        (start(&[], Some("111122223333=sgbind")), "expected arn:aws:iam::ACCOUNT:role/NAME"),
    ] {
        assert!(said.contains(expected) && !said.contains(understood), "{said}");
    }
}
