use std::process::Command;

use proptest::prelude::*;

use super::aws_cli::quoted;
use super::comment;

#[test]
fn nothing_leaves_a_comment() {
    for (words, expected) in [
        ("plain", "# plain"),
        ("it's \"quoted\" `twice` $(x)", "# it's \"quoted\" `twice` $(x)"),
        ("one\nrm -rf", "# one?rm -rf"),
        ("one\r\nrm -rf", "# one??rm -rf"),
        ("one\u{85}\u{0}two", "# one??two"),
        ("\u{1b}[2J", "# ?[2J"),
        ("\u{202e}backwards", "# ?backwards"),
    ] {
        assert_eq!(comment(words), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shell_gives_back_the_same_words(words in proptest::collection::vec("[^\\x00]{0,12}", 1..20)) {
        let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let script = format!("printf '%s\\0' {}", quoted.join(" "));
        let output = Command::new("sh").args(["-euc", &script]).output().expect("a shell");
        prop_assert!(output.status.success(), "{}", script);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let given_back: Vec<&str> = text.split_terminator('\0').collect();
        prop_assert_eq!(given_back, words);
    }
}
