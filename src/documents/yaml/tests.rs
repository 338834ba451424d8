use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;

fn trees(text: &str) -> Result<Vec<Tree>, Problem> {
    let mut trees = Vec::new();
    for part in parts(text) {
        trees.extend(part.trees()?);
    }
    Ok(trees)
}

fn values(text: &str) -> Vec<Json> {
    trees(text).expect("it is YAML").iter().map(|tree| tree.root.to_json()).collect()
}

fn problem(line: usize, message: &str) -> Problem {
    Problem { line, field: String::new(), message: message.to_owned() }
}

#[rstest]
#[case::none("", &[])]
#[case::comments("# one\n---\n# two\n", &[(2, json!(null))])]
#[case::bare("a: 1\n", &[(1, json!({"a": 1}))])]
#[case::several("a: 1\n---\nb: 2\n--- # a comment\nc: 3\n", &[(1, json!({"a": 1})), (3, json!({"b": 2})), (5, json!({"c": 3}))])]
#[case::on_the_line("--- {a: 1}\n---\n- 2\n", &[(1, json!({"a": 1})), (3, json!([2]))])]
#[case::ended("a: 1\n...\n---\nb: 2\n...\n", &[(1, json!({"a": 1})), (4, json!({"b": 2}))])]
#[case::directive("%YAML 1.2\n---\na: 1\n", &[(3, json!({"a": 1}))])]
#[case::windows("a: 1\r\n---\r\nb:\r\n  c: |\r\n    x\r\n    y\r\n", &[(1, json!({"a": 1})), (3, json!({"b": {"c": "x\ny\n"}}))])]
#[case::dashes_in_a_block("a: |\n  ---\n  b\n", &[(1, json!({"a": "---\nb\n"}))])]
#[case::json("{\n\t\"a\": [1, \"\\ud83d\\ude00\"]\n}\n", &[(1, json!({"a": [1, "😀"]}))])]
fn a_text_has_documents(#[case] text: &str, #[case] expected: &[(usize, Json)]) {
    let found = trees(text).expect("it is YAML");
    let found: Vec<_> = found.iter().map(|tree| (tree.root.line, tree.root.to_json())).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case::quoted("a: \"1\"", json!({"a": "1"}))]
#[case::single_quoted("a: 'yes'", json!({"a": "yes"}))]
#[case::tagged_text("a: !!str 1", json!({"a": "1"}))]
#[case::tagged_number("a: !!int \"1\"", json!({"a": 1}))]
#[case::other_tag("a: !Ref 1", json!({"a": "1"}))]
#[case::names("on: 1\n8: 2\n'8.5': 3", json!({"true": 1, "8": 2, "8.5": 3}))]
#[case::alias("a: &x {b: 1}\nc: *x", json!({"a": {"b": 1}, "c": {"b": 1}}))]
#[case::merged("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}))]
#[case::merged_several("d: {<<: [{b: 1}, {b: 2, c: 3}]}", json!({"d": {"b": 1, "c": 3}}))]
#[case::folded("a: >-\n  b\n  c\n", json!({"a": "b c"}))]
fn values_are_those_of_kubectl(#[case] text: &str, #[case] expected: Json) {
    assert_eq!(values(text), [expected]);
}

#[test]
fn a_field_that_stands_twice_is_told() {
    let found = trees("a:\n- b: 1\n  c: 2\n  b: 3\na: 4\n").expect("it is YAML");
    assert_eq!(found[0].root.to_json(), json!({"a": [{"b": 1, "c": 2}]}));
    let twice = |line, field: &str, first| Problem {
        line,
        field: field.to_owned(),
        message: format!("stands twice, first on line {first}: leave one of them"),
    };
    assert_eq!(found[0].problems, [twice(4, "a[0].b", 2), twice(5, "a", 1)]);
}

#[rstest]
#[case::template(
    "a: {{ .Values.a }}b\n",
    1,
    "this is a template, not YAML: render it first, as with helm template, and give the result"
)]
#[case::tab("a:\n\tb: 1\n", 2, "this is not YAML: tabs disallowed within this context (block indentation)")]
#[case::open("---\n\n---\na: [1\n", 4, "this is not YAML: unclosed bracket '['")]
#[case::alias("a: *b\n", 1, "this is not YAML: while parsing node, found unknown anchor")]
#[case::of_itself("a: &x\n  b: *x\n", 2, "this is not YAML: an alias stands for what holds it")]
fn what_is_not_yaml_is_told_with_its_line(#[case] text: &str, #[case] line: usize, #[case] expected: &str) {
    assert_eq!(trees(text), Err(problem(line, expected)));
}

#[test]
fn a_template_that_is_yaml_by_chance_is_told() {
    let found = trees("a: {{ .Values.a }}\n").expect("it is YAML");
    let message = "braces in braces are a template: render it first, as with helm template, and give the result";
    assert_eq!(found[0].problems, [Problem { line: 1, field: "a".into(), message: message.into() }]);
}

#[test]
fn aliases_of_aliases_end_soon() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert_eq!(trees(&text), Err(problem(6, "this is not YAML: more than 2000000 values in one document")));
    let deep: String = (0..200)
        .map(|level| {
            format!(
                "a{level}: &a{level} [{}]\n",
                match level {
                    0 => "x".to_owned(),
                    _ => format!("*a{}", level - 1),
                }
            )
        })
        .collect();
    assert_eq!(trees(&deep), Err(problem(100, "this is not YAML: aliases are nested more than a hundred deep")));
}

#[test]
fn what_is_nested_deep_ends_soon() {
    let text = format!("{}x{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(
        trees(&text),
        Err(problem(1, "this is not YAML: objects and lists are nested more than a hundred deep"))
    );
    let text = "[".repeat(1_000_000);
    assert!(trees(&text).is_err());
}
