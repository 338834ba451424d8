//! Texts that YAML reads in a way of its own.

use serde_json::{Value, json};

use super::Kept;

/// What stands in the spec of a binding, below `loadBalancer: {name: shop}`.
const SPECS: [&str; 34] = [
    "  listeners: [{port: 010}]\n",
    "  listeners: [{port: 0o10}]\n",
    "  listeners: [{port: 08}]\n",
    "  listeners: [{port: 0x1F}]\n",
    "  listeners: [{port: 1_000}]\n",
    "  listeners: [{port: +443}]\n",
    "  listeners: [{port: 443.0}]\n",
    "  listeners: [{port: 4.43e2}]\n",
    "  listeners: [{port: 443.5}]\n",
    "  listeners: [{port: \"443\"}]\n",
    "  listeners: [{port: !!int \"443\"}]\n",
    "  listeners: [{port: 8080 # a comment\n  }]\n",
    "  listeners:\n  -\n    port: 443\n  - {port: 80}\n",
    "  listeners:\n",
    "  listeners: ~\n",
    "  clients: [{vpc: yes}]\n",
    "  clients: [{vpc: on}]\n",
    "  clients: [{vpc: y}]\n",
    "  clients: [{vpc: True}]\n",
    "  clients: [{vpc: tRUE}]\n",
    "  clients: [{vpc: off}]\n",
    "  clients: [{cidr: 10.0.0.0/8,}]\n",
    "  clients: [{cidr: \"10.0.0.0\\x2f8\"}]\n",
    "  clients: [{cidr: '2001:db8::/32'}, {cidr: 2001:db8:1::/48}]\n",
    "  clients: &peers [{vpc: true}]\n  identityProviders: *peers\n",
    "  clients: [&peer {cidr: 10.0.0.0/8}]\n  identityProviders: [{<<: *peer}]\n",
    "  accountID: 123456789012\n",
    "  accountID: !!str 123456789012\n",
    "  accountID: 012345670123\n",
    "  region: >-\n    ap-northeast-2\n",
    "  region: |\n    ap-northeast-2\n",
    "  region: no\n",
    "  region: ap-northeast-2\n  region: ap-northeast-1\n",
    "  pathMTUDiscovery: null\n  enforcement:\n",
];

const METADATA: [&str; 13] = [
    "{name: Shop}",
    "{name: a.b-c}",
    "{name: -a}",
    "{name: 8}",
    "{name: yes}",
    "{name: shop, labels: {a: 1}}",
    "{name: shop, labels: {a/b: C-d_e.f}}",
    "{name: shop, labels: {A.b/c: d}}",
    "{name: shop, labels: {a: -b}}",
    "{name: shop, annotations: {A.b/c: d, e: ''}}",
    "{name: shop, annotations: {a/b/c: d}}",
    "{name: shop, finalizers: [a b]}",
    "{name: shop, annotation: {}}",
];

pub fn texts() -> Vec<Kept> {
    let of_specs = SPECS.iter().map(|spec| kept(spec, "{name: shop}", spec));
    let of_metadata = METADATA.iter().map(|metadata| kept(metadata, metadata, ""));
    let mut texts: Vec<Kept> = of_specs.chain(of_metadata).collect();
    let mut windows = kept("line ends of Windows", "{name: shop}", SPECS[0]);
    windows.text = windows.text.replace('\n', "\r\n");
    texts.push(windows);
    texts
}

fn kept(name: &str, metadata: &str, spec: &str) -> Kept {
    let text = format!(
        "apiVersion: sgbind.dev/v1alpha1\nkind: ALBTargetBinding\nmetadata: {metadata}\nspec:\n  loadBalancer: {{name: shop}}\n{spec}"
    );
    let metadata: Value = serde_saphyr::from_str(metadata).expect("YAML");
    Kept { name: name.to_owned(), text, value: json!({"kind": "ALBTargetBinding", "metadata": metadata}) }
}
