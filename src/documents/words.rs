//! What a misspelt name was probably meant to be.

/// How alike two words must be, of 1, to be taken for the same. Chosen by the misspellings in the tests.
const ALIKE: f64 = 0.84;

/// The candidate that is most like the word, if any is. Case, hyphens, underscores and dots make no difference.
pub(super) fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = bare(word);
    let likeness = |candidate: &str| {
        let candidate = self::bare(candidate);
        let is_abbreviation =
            bare.len() >= 3 && candidate.starts_with(&bare) || candidate.len() >= 3 && bare.starts_with(&candidate);
        let alike = strsim::jaro_winkler(&bare, &candidate);
        if is_abbreviation { alike.max(ALIKE) } else { alike }
    };
    let rated = candidates.into_iter().map(|candidate| (candidate, likeness(candidate)));
    let best = rated.max_by(|(_, one), (_, other)| one.total_cmp(other));
    best.filter(|(_, likeness)| *likeness >= ALIKE).map(|(candidate, _)| candidate)
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

    #[test]
    fn alternatives_read_as_a_sentence() {
        let said = [vec![], vec!["a"], vec!["a", "b"], vec!["a", "b", "c"]].map(alternatives);
        assert_eq!(said, ["", "a", "a or b", "a, b or c"]);
    }
}
