//! Exit codes, which are the same in every form: 0 without changes, 2 with changes, 1 where anything is wrong.

use super::Played;
use crate::verbs::stage::{Folder, binding};
use crate::world::{World, estate};

const FORMS: [&str; 4] = ["table", "json", "aws-cli", "terraform"];

/// Each form ends with this.
pub async fn expect(played: &Played, code: i32) {
    for form in FORMS {
        let run = played.verb("plan", &["-o", form]).await;
        assert_eq!(run.code, code, "-o {form}:\n{}\n{}", run.out, run.err);
    }
}

/// Nothing is printed that could be taken for a plan.
#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_in_every_form() {
    let world = World::with(estate()).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", "loadBalancer: {nam: shop}"));
    for form in FORMS {
        let run = world.verb("plan", &folder.path(), &["-o", form]).await;
        assert_eq!((run.code, run.out.as_str()), (1, ""), "-o {form}: {}", run.err);
        assert!(run.err.contains("shop.yaml:6"), "-o {form}: {}", run.err);
    }
}

/// Who reads the screen only is told too, wherever the result goes.
#[tokio::test]
async fn problems_are_told_on_stderr_and_stand_in_every_form() {
    let world = World::with(estate()).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", "loadBalancer: {name: absent}"));
    for form in FORMS {
        let run = world.verb("plan", &folder.path(), &["-o", form]).await;
        assert_eq!(run.code, 1, "-o {form}: {}", run.err);
        assert!(run.out.contains("LoadBalancerNotFound"), "-o {form}: {}", run.out);
        let told = run.err.contains("ALBTargetBinding/team/shop: LoadBalancerNotFound: ");
        assert_eq!(told, form != "table", "-o {form}: {}", run.err);
    }
}
