//! What a misspelt name was probably meant to be.

/// How alike two words must be, of 1, to be taken for the same. Chosen by the misspellings in the tests.
const ALIKE: f64 = 0.84;

/// The candidate that is most like the word, if any is. Case, hyphens, underscores and dots make no difference.
pub(super) fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let rated = candidates.into_iter().map(|candidate| (candidate, likeness(word, candidate)));
    let best = rated.max_by(|(_, one), (_, other)| one.total_cmp(other));
    best.filter(|(_, likeness)| *likeness >= ALIKE).map(|(candidate, _)| candidate)
}

fn likeness(word: &str, candidate: &str) -> f64 {
    let (bare_word, bare_candidate) = (bare(word), bare(candidate));
    let begins = |whole: &str, part: &str| part.len() >= 3 && whole.starts_with(part);
    let alike = strsim::jaro_winkler(&bare_word, &bare_candidate);
    let is_abbreviation = begins(&bare_word, &bare_candidate) || begins(&bare_candidate, &bare_word);
    if is_abbreviation || is_last_part(word, candidate) { alike.max(ALIKE) } else { alike }
}

/// Whether the word says more than needed, as groupId where id is meant.
fn is_last_part(word: &str, candidate: &str) -> bool {
    let Some(at) = word.len().checked_sub(candidate.len()).filter(|at| *at > 0 && word.is_char_boundary(*at)) else {
        return false;
    };
    let (before, last) = word.split_at(at);
    let is_part = last.starts_with(char::is_uppercase) || before.ends_with(['-', '_', '.']);
    is_part && last.eq_ignore_ascii_case(candidate)
}

fn bare(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `one, two or three`
pub(super) fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FIELDS: [&str; 12] = [
        "accountID",
        "blueGreen",
        "clients",
        "enforcement",
        "foreignRules",
        "identityProviders",
        "listeners",
        "loadBalancer",
        "manage",
        "pathMTUDiscovery",
        "region",
        "targetGroups",
    ];

    #[rstest]
    #[case("loadbalancer", Some("loadBalancer"))]
    #[case("load-balancer", Some("loadBalancer"))]
    #[case("loadBalancers", Some("loadBalancer"))]
    #[case("target_groups", Some("targetGroups"))]
    #[case("targetGroup", Some("targetGroups"))]
    #[case("lisetners", Some("listeners"))]
    #[case("accountId", Some("accountID"))]
    #[case("account", Some("accountID"))]
    #[case("pathMtuDiscovery", Some("pathMTUDiscovery"))]
    #[case("enforce", Some("enforcement"))]
    #[case("client", Some("clients"))]
    #[case("vpc", None)]
    #[case("ports", None)]
    #[case("description", None)]
    #[case("x", None)]
    fn near_names_are_meant(#[case] word: &str, #[case] expected: Option<&str>) {
        assert_eq!(meant(word, FIELDS), expected);
    }

    #[rstest]
    #[case("groupId", Some("id"))]
    #[case("group_name", Some("name"))]
    #[case("grid", None)]
    #[case("vpc", None)]
    fn names_that_say_more_than_needed_are_meant(#[case] word: &str, #[case] expected: Option<&str>) {
        assert_eq!(meant(word, ["accountID", "id", "name", "tags"]), expected);
    }

    #[test]
    fn alternatives_read_as_a_sentence() {
        let said = [vec![], vec!["a"], vec!["a", "b"], vec!["a", "b", "c"]].map(alternatives);
        assert_eq!(said, ["", "a", "a or b", "a, b or c"]);
    }
}
