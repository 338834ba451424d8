//! `docs/patterns.md`: a section for each row of the tables, made by the row's test.

use std::{collections::BTreeMap, fmt::Write};

use crate::document;

const PAGE: &str = "patterns.md";
const PART: &str = "rows";
const WIDTH: usize = 120;

/// One table, all rows of which are of one kind.
struct Table {
    title: &'static str,
    kind: &'static str,
    rows: &'static [&'static str],
}

/// All rows, in the order of the page.
const TABLES: &[Table] = &[LOAD_BALANCERS, ROLES];

const LOAD_BALANCERS: Table = Table {
    title: "Load balancer to targets",
    kind: "ALBTargetBinding",
    rows: &[
        "alb-standard",
        "alb-redirect",
        "alb-egress",
        "alb-health-port",
        "alb-multi-port",
        "alb-blue-green",
        "alb-internal",
        "alb-dual-stack",
        "alb-prefix-list",
        "alb-ip-targets",
        "alb-ip-outside",
        "alb-port-override",
        "nlb-with-sg",
        "nlb-without-sg",
        "alb-auth",
        "alb-control-port",
        "alb-path-mtu",
        "nlb-alb-target",
        "lambda-target",
        "elb-reference",
    ],
};

const ROLES: Table = Table {
    title: "Access by role",
    kind: "SecurityGroupAccess",
    rows: &[
        "web-server",
        "db-mssql",
        "db-mysql",
        "db-redshift",
        "db-postgresql",
        "db-oracle",
        "restricted-egress",
        "same-group",
        "same-group-split",
        "ssh",
        "rdp",
        "path-mtu",
        "ping",
        "ping6",
        "dns",
        "efs",
        "efs-mount",
    ],
};

/// The section of this row is just this text.
pub fn shows(id: &str, text: &str) {
    let with_it = |present: &str| {
        let mut sections = sections(present);
        sections.insert(id.to_owned(), text.to_owned());
        arranged(&sections)
    };
    if let Err(wrong) = document::compare(PAGE, PART, with_it) {
        panic!("{wrong}\n{id} is now:\n{text}");
    }
}

/// The texts below the headings of rows.
fn sections(part: &str) -> BTreeMap<String, String> {
    let until_next_table = |text: &str| text.split("\n## ").next().unwrap_or_default().to_owned();
    let part = part.strip_suffix('\n').unwrap_or(part);
    let texts = part.split("\n### ").skip(1).filter_map(|section| section.split_once('\n'));
    texts.map(|(id, text)| (id.to_owned(), until_next_table(text))).collect()
}

/// The whole part: contents, then each table with its rows.
fn arranged(sections: &BTreeMap<String, String>) -> String {
    let (mut contents, mut body) = (String::new(), String::new());
    for Table { title, kind, rows } in TABLES {
        let _ = writeln!(contents, "\n**{title}** (`{kind}`)\n");
        let _ = write!(body, "\n## {title}\n");
        for id in *rows {
            let Some(text) = sections.get(*id) else { continue };
            let _ = writeln!(contents, "- [{id}](#{id}): {}", first_sentence(text));
            let _ = write!(body, "\n### {id}\n{text}");
        }
    }
    format!("{contents}{body}\n")
}

fn first_sentence(text: &str) -> String {
    let paragraph: Vec<&str> = text.trim_start().lines().take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    paragraph.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// An object of ours as a person writes it.
pub fn document(kind: &str, name: &str, spec: &str) -> String {
    let lines: Vec<&str> = spec.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = lines.iter().map(|line| indent(line)).min().unwrap_or_default();
    let mut text = format!(
        "apiVersion: sgbind.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: team-shop}}\nspec:\n"
    );
    for line in lines {
        let _ = writeln!(text, "  {}", line[common..].trim_end());
    }
    text
}

/// The words in lines that are not too long.
pub fn wrapped(words: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let line = lines.last_mut().expect("one at least");
        if line.is_empty() {
            *line = word.to_owned();
        } else if line.len() + 1 + word.len() <= WIDTH {
            *line += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

#[test]
fn the_page_has_exactly_the_rows_of_the_tables_in_order() {
    let mut found = Vec::new();
    let arranged = document::compare(PAGE, PART, |present| {
        found = present.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
        arranged(&sections(present))
    });
    assert_eq!(arranged, Ok(()));
    let rows: Vec<&str> = TABLES.iter().flat_map(|table| table.rows).copied().collect();
    // While it is written anew, the rows come one by one.
    assert!(found == rows || document::is_updated(), "sections {found:#?}\nare not {rows:#?}");
}

#[test]
fn a_document_is_indented_as_one_writes_it() {
    let written = document("ALBTargetBinding", "shop", "\n        loadBalancer:\n          name: shop\n        ");
    let expected = "apiVersion: sgbind.dev/v1alpha1\nkind: ALBTargetBinding\n\
        metadata: {name: shop, namespace: team-shop}\nspec:\n  loadBalancer:\n    name: shop\n";
    assert_eq!(written, expected);
}
