//! A load balancer in another account, and what befalls the role by which it is reached.

use std::collections::BTreeSet;
use std::time::Duration;

use sgbind::model::AccountRoles;
use sgbind_sim::Fault;
use tokio::time::sleep;

use super::rules;
use super::run::in_virtual_time;
use super::stage::{Controller, Stage};
use crate::world::{World, estate};

const ROLE: &str = "arn:aws:iam::210987654321:role/sgbind";
const HOUR: Duration = Duration::from_secs(3600);

const SHOP: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const CART: &str =
    "{accountID: '210987654321', loadBalancer: {name: cart}, clients: [{cidr: 192.0.2.0/24}, {cidr: 198.51.100.0/24}]}";
const FEWER: &str = "{accountID: '210987654321', loadBalancer: {name: cart}, clients: [{cidr: 192.0.2.0/24}]}";

const SHOP_RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
const CART_RULES: [&str; 4] = [
    "CART-LB-SG in tcp 443 <- 192.0.2.0/24",
    "CART-LB-SG out tcp 9000 -> CART-SG",
    "CART-SG in tcp 9000 <- CART-LB-SG",
    "CART-LB-SG in tcp 443 <- 198.51.100.0/24",
];

/// Two accounts with a load balancer each, and a binding for each.
struct Accounts {
    stage: Stage,
    there: World,
}

impl Accounts {
    async fn new(seed: u64) -> Self {
        let shop = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
        let stage = Stage::with(seed, shop).await;
        stage.simulation.aws.world().add_role(ROLE);
        let (key, secret) = stage.simulation.aws.world().add_account("210987654321");
        let there = stage.world.elsewhere(stage.world.aws.with_key(key, secret, None)).await;
        let cart = estate().internet_facing("cart").in_groups(&["CART-LB-SG"]).forward(443, "basket");
        there.build(cart.target_group("basket", 9000).instance("CART-SG")).await;
        stage.world.apply("shop", SHOP).await;
        stage.world.apply("cart", CART).await;
        Self { stage, there }
    }

    /// Starts a controller that may assume the role; these faults befall its attempts to.
    fn start(&self, faults: &[Fault]) -> Controller {
        let process = self.stage.simulation.process("controller");
        faults.iter().for_each(|fault| process.inject_into("sts AssumeRole", *fault));
        let role = format!("210987654321={ROLE}").parse().expect("a role");
        self.stage.start_as(process, |settings| {
            settings.account_roles = AccountRoles::new([role]).expect("one role");
        })
    }

    /// All rules of both accounts.
    fn rules(&self) -> BTreeSet<String> {
        let named = |text| self.there.named(self.stage.world.named(text));
        rules::all(&self.stage.simulation.aws, &named)
    }

    async fn until_rules(&self, expected: &[&[&str]]) {
        let wanted = rules::these(&expected.concat());
        let came = self.stage.until(HOUR, |_| self.rules() == wanted).await;
        assert!(came.is_some(), "the rules do not become {wanted:#?}, they are {:#?}", self.rules());
    }

    fn ready(&self, name: &str) -> String {
        self.stage.condition(name, "Ready").unwrap_or_default()
    }

    async fn until_ready(&self, name: &str, condition: &str) {
        let came = self.stage.until(2 * HOUR, |_| self.ready(name) == condition).await;
        assert!(came.is_some(), "{name} is not {condition}: {:#?}", self.stage.object(name));
    }

    async fn until_in_sync(&self) {
        self.until_ready("shop", "Ready=True InSync").await;
        self.until_ready("cart", "Ready=True InSync").await;
    }
}

/// How often a role was assumed so far.
fn assumed(controller: &Controller) -> usize {
    controller.process.sites().iter().filter(|site| site.what == "sts AssumeRole").count()
}

#[test]
fn a_role_whose_trust_is_withdrawn_stops_its_account_alone_until_it_is_back() {
    in_virtual_time(async {
        let accounts = Accounts::new(21).await;
        let _controller = accounts.start(&[]);
        accounts.until_in_sync().await;
        accounts.until_rules(&[&SHOP_RULES, &CART_RULES]).await;

        accounts.stage.simulation.aws.world().remove_role(ROLE);
        accounts.until_ready("cart", "Ready=False AccessDenied").await;
        let message = accounts.there.wait_for("cart", "Ready=False AccessDenied").await;
        assert_eq!(
            message,
            "sts:AssumeRole for account 210987654321 with the role arn:aws:iam::210987654321:role/sgbind failed: \
             AccessDenied: User: arn:aws:iam::123456789012:user/simulated is not authorized to perform: sts:AssumeRole on \
             resource: arn:aws:iam::210987654321:role/sgbind (check that the role's trust policy names the controller's \
             role, and that the controller's role may call sts:AssumeRole on it)"
        );

        // Now nothing is made nor taken away there, and all goes on at home.
        accounts.stage.world.apply("cart", FEWER).await;
        accounts.stage.world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
        let narrow = ["ALB-SG in tcp 443 <- 10.0.0.0/8", SHOP_RULES[1], SHOP_RULES[2]];
        accounts.until_rules(&[&narrow, &CART_RULES]).await;
        accounts.until_ready("shop", "Ready=True InSync").await;
        sleep(HOUR).await;
        assert_eq!(accounts.rules(), rules::these(&[&narrow[..], &CART_RULES].concat()));
        assert_eq!(accounts.ready("cart"), "Ready=False AccessDenied");

        accounts.stage.simulation.aws.world().add_role(ROLE);
        accounts.until_rules(&[&narrow, &CART_RULES[..3]]).await;
        accounts.until_in_sync().await;
    });
}

#[test]
fn credentials_of_a_role_are_renewed_before_they_expire() {
    in_virtual_time(async {
        let accounts = Accounts::new(22).await;
        let controller = accounts.start(&[]);
        accounts.until_in_sync().await;
        for _ in 0..(3 * 3600 + 1800) {
            sleep(Duration::from_secs(1)).await;
            assert_eq!(accounts.ready("cart"), "Ready=True InSync");
        }
        // At first, and each hour: for EC2 and Elastic Load Balancing at once.
        assert_eq!(assumed(&controller), 4);
        accounts.there.revoke(&CART_RULES[..1]).await;
        accounts.until_rules(&[&SHOP_RULES, &CART_RULES]).await;
    });
}

#[test]
fn whatever_befalls_the_assuming_of_a_role_its_account_is_served_in_the_end() {
    for fault in [Fault::Refused, Fault::Throttled, Fault::AnswerLost, Fault::Hung, Fault::Late] {
        in_virtual_time(async move {
            let accounts = Accounts::new(23).await;
            // As many as the attempts of a call.
            let controller = accounts.start(&[fault; 3]);
            accounts.until_ready("shop", "Ready=True InSync").await;
            accounts.until_in_sync().await;
            accounts.until_rules(&[&SHOP_RULES, &CART_RULES]).await;
            assert!(assumed(&controller) >= 2, "{fault:?}");
        });
    }
}
