use std::fs;

use rstest::rstest;

use super::*;

const BINDING: &str = "apiVersion: sgbind.dev/v1alpha1
kind: ALBTargetBinding
metadata: {name: shop}
spec:
  loadBalancer: {name: shop}
";

/// What is told of a text that comes from stdin.
fn told(text: &str) -> Vec<String> {
    match read(&[Source::Stdin], "team-shop", text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(DocumentErrors(errors)) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// The objects of a text that comes from stdin, each with the line on which it begins.
fn objects(text: &str) -> Vec<(String, usize)> {
    let documents = read(&[Source::Stdin], "team-shop", text.as_bytes()).expect("nothing is wrong");
    documents.iter().map(|document| (document.object.reference().to_string(), document.origin.line())).collect()
}

/// Files of a folder that is there as long as the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("in the folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> Source {
        Source::Path(self.0.path().join(name))
    }

    fn whole(&self) -> Source {
        Source::Path(self.0.path().to_owned())
    }

    /// Where the documents stand, or what is told of them, without the folder's name.
    fn read(&self, sources: &[Source]) -> Result<Vec<String>, Vec<String>> {
        let bare = |text: String| {
            let folder = self.0.path().display().to_string();
            text.replace(&format!("{folder}/"), "").replace(&folder, ".")
        };
        match read(sources, "team-shop", &b""[..]) {
            Ok(documents) => Ok(documents
                .iter()
                .map(|document| {
                    bare(format!(
                        "{}:{} {}",
                        document.origin.file(),
                        document.origin.line(),
                        document.object.reference()
                    ))
                })
                .collect()),
            Err(DocumentErrors(errors)) => Err(errors.iter().map(|error| bare(error.to_string())).collect()),
        }
    }
}

fn named(name: &str) -> String {
    BINDING.replace("{name: shop}\nspec", &format!("{{name: {name}}}\nspec"))
}

#[test]
fn other_kinds_in_the_same_text_are_skipped() {
    let text = format!(
        "# The shop.\n---\n# Nothing here.\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n---\n{}---\n\
         replicas: 3\nimage: {{tag: latest}}\n---\n- a\n- list\n---\njust text\n---\n{}...\n",
        BINDING,
        named("second"),
    );
    let expected = [("ALBTargetBinding/team-shop/shop", 8), ("ALBTargetBinding/team-shop/second", 22)];
    assert_eq!(objects(&text), expected.map(|(name, line)| (name.to_owned(), line + 1)));
}

#[test]
fn all_errors_of_all_files_come_at_once() {
    let folder = Folder::new(&[
        ("a.yaml", &BINDING.replace("loadBalancer", "loadbalancer")),
        ("b/b.yaml", &format!("{}---\nkind: [\n---\n{}  enforcement: observe\n", named("second"), named("third"))),
        (
            "b/c.yml",
            "apiVersion: sgbind.dev/v1alpha1\nkind: SecurityGroupAccess\nmetadata:\n  name: db\n  namespace: data\nspec:\n  \
             securityGroup: {id: sg-0a1b2c3d}\n  ingress:\n  - services: [SSH]\n    from:\n    - cidr: 010.0.0.0/8\n    - \
             cidrs: 10.0.0.0/8\n",
        ),
    ]);
    let told = folder.read(&[folder.path("a.yaml"), folder.path("b/b.yaml"), folder.path("b")]);
    let expected = [
        "a.yaml:5: ALBTargetBinding team-shop/shop: spec.loadbalancer: unknown field; did you mean loadBalancer?",
        "b/b.yaml:7: this is not YAML: unclosed bracket '['",
        "b/b.yaml:14: ALBTargetBinding team-shop/third: spec.enforcement: \"observe\" is not Enforce or Observe; did you mean \
         Observe?",
        "b/c.yml:11: SecurityGroupAccess data/db: spec.ingress[0].from[0].cidr: not an IPv4 or IPv6 network: write one such \
         as 10.0.0.0/8 or 2001:db8::/32 (no leading zeros, no IPv4 behind ::ffff:)",
        "b/c.yml:12: SecurityGroupAccess data/db: spec.ingress[0].from[1].cidrs: unknown field; did you mean cidr?",
    ];
    assert_eq!(told.unwrap_err(), expected);
}

#[test]
fn folders_are_read_with_the_folders_in_them() {
    let folder = Folder::new(&[
        ("b.yml", &named("b")),
        ("a/a.yaml", &named("a")),
        (
            "a/z/c.json",
            r#"{"apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "metadata": {"name": "c"},
            "spec": {"loadBalancer": {"name": "shop"}}}"#,
        ),
        (".git/hidden.yaml", &named("hidden")),
        ("a/.hidden.yaml", &named("hidden")),
        ("readme.md", &named("readme")),
        ("values.yaml", "replicas: 3\n"),
        ("chart/templates/deployment.yaml", "kind: {{ .Values.kind }}\nname: {{- if x }}\n"),
    ]);
    std::os::unix::fs::symlink(folder.0.path(), folder.0.path().join("a/loop")).expect("a link");
    let expected = [
        "a/a.yaml:1 ALBTargetBinding/team-shop/a",
        "a/z/c.json:1 ALBTargetBinding/team-shop/c",
        "b.yml:1 ALBTargetBinding/team-shop/b",
    ];
    assert_eq!(folder.read(&[folder.whole()]).unwrap(), expected);
    let again = folder.read(&[folder.path("b.yml"), folder.whole(), folder.path("b.yml")]);
    assert_eq!(again.unwrap(), [expected[2], expected[0], expected[1]], "each file once, in the order of the sources");
    let readme = folder.read(&[folder.path("readme.md")]);
    assert_eq!(
        readme.unwrap(),
        ["readme.md:1 ALBTargetBinding/team-shop/readme"],
        "a file that is named may have any name"
    );
}

#[test]
fn what_can_not_be_read_is_told() {
    let folder = Folder::new(&[("good.yaml", BINDING), ("empty.yaml", ""), ("values.yaml", "replicas: 3\n")]);
    fs::write(folder.0.path().join("latin.yaml"), b"name: caf\xe9\n").expect("a file");
    let told = folder.read(&[folder.path("good.yaml"), folder.path("absent.yaml"), folder.path("latin.yaml")]);
    let expected = [
        "absent.yaml: there is no such file or folder",
        "latin.yaml: can't be read: it is not in UTF-8: save it in that encoding",
    ];
    assert_eq!(told.unwrap_err(), expected);
    let told = folder.read(&[folder.path("empty.yaml"), folder.path("values.yaml"), Source::Stdin]);
    let expected =
        ["no ALBTargetBinding or SecurityGroupAccess of sgbind.dev/v1alpha1 in empty.yaml, values.yaml, stdin"];
    assert_eq!(told.unwrap_err(), expected);
}

#[test]
fn lists_are_unfolded() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: sgbind.dev/v1alpha1\n  kind: ALBTargetBinding\n  metadata: \
                {name: a}\n  spec: {loadBalancer: {name: a}}\n- apiVersion: v1\n  kind: Secret\n- apiVersion: \
                sgbind.dev/v1alpha1\n  kind: ALBTargetBinding\n  metadata: {name: b}\n  spec: {loadBalancer: {nam: b}}\n";
    assert_eq!(
        told(text),
        ["stdin:13: ALBTargetBinding team-shop/b: spec.loadBalancer.nam: unknown field; did you mean name?"]
    );
    let good = text.replace("{nam: b}", "{name: b}");
    let expected = [("ALBTargetBinding/team-shop/a".to_owned(), 4), ("ALBTargetBinding/team-shop/b".to_owned(), 10)];
    assert_eq!(objects(&good), expected);
}

#[test]
fn items_of_a_list_of_one_kind_need_not_say_what_they_are() {
    let text = "{\"apiVersion\": \"sgbind.dev/v1alpha1\", \"kind\": \"ALBTargetBindingList\", \"items\": [\n{\"metadata\": \
                {\"name\": \"a\"}, \"spec\": {\"loadBalancer\": {\"name\": \"a\"}}}]}";
    assert_eq!(objects(text), [("ALBTargetBinding/team-shop/a".to_owned(), 2)]);
}

#[test]
fn a_template_that_is_yaml_by_chance_is_told_once() {
    let expected =
        ["stdin:3: ALBTargetBinding team-shop/(no name): metadata.name: braces in braces are a template: render it \
                     first, as with helm template, and give the result"];
    assert_eq!(told(&named("{{ .Release.Name }}")), expected);
}

#[test]
fn a_field_that_stands_twice_is_told_with_both_lines() {
    let expected =
        ["stdin:6: ALBTargetBinding team-shop/shop: spec.loadBalancer: stands twice, first on line 5: leave one of \
                     them"];
    assert_eq!(told(&format!("{BINDING}  loadBalancer: {{name: other}}\n")), expected);
}

#[test]
fn a_pipe_is_read_like_a_file() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(BINDING.as_bytes()).expect("it is read below");
    drop(writer);
    let source = Source::Path(format!("/proc/self/fd/{}", reader.as_raw_fd()).into());
    let documents = read(&[source], "team-shop", &b""[..]).expect("nothing is wrong");
    assert_eq!(documents[0].object.reference().to_string(), "ALBTargetBinding/team-shop/shop");
}

#[test]
fn one_object_twice_is_told_with_both_places() {
    let folder = Folder::new(&[("a.yaml", BINDING), ("b.yaml", &format!("# The same.\n{BINDING}"))]);
    let expected =
        ["b.yaml:4: ALBTargetBinding team-shop/shop: metadata.name: this object stands at a.yaml:3 already: leave \
                     one of the two, or rename one"];
    assert_eq!(folder.read(&[folder.whole()]).unwrap_err(), expected);
    let elsewhere = BINDING.replace("{name: shop}\nspec", "{name: shop, namespace: other}\nspec");
    let expected = [("ALBTargetBinding/team-shop/shop".to_owned(), 1), ("ALBTargetBinding/other/shop".to_owned(), 7)];
    assert_eq!(objects(&format!("{BINDING}---\n{elsewhere}")), expected);
}

#[rstest]
#[case::new_version(
    "sgbind.dev/v1",
    "ALBTargetBinding",
    "apiVersion: there is no version sgbind.dev/v1: write sgbind.dev/v1alpha1"
)]
#[case::misspelt_kind(
    "sgbind.dev/v1alpha1",
    "AlbTargetBinding",
    "kind: the group sgbind.dev has no kind AlbTargetBinding; did you mean ALBTargetBinding?"
)]
#[case::short_name(
    "sgbind.dev/v1alpha1",
    "sga",
    "kind: the group sgbind.dev has no kind sga: write ALBTargetBinding or SecurityGroupAccess"
)]
#[case::misspelt_group(
    "sgbind.io/v1alpha1",
    "ALBTargetBinding",
    "apiVersion: ALBTargetBinding is of sgbind.dev/v1alpha1, not of sgbind.io/v1alpha1: write apiVersion: sgbind.dev/v1alpha1"
)]
#[case::no_group(
    "v1alpha1",
    "ALBTargetBinding",
    "apiVersion: ALBTargetBinding is of sgbind.dev/v1alpha1, not of v1alpha1: write apiVersion: sgbind.dev/v1alpha1"
)]
fn kinds_that_are_meant_to_be_ours_are_errors(#[case] version: &str, #[case] kind: &str, #[case] expected: &str) {
    let text = BINDING.replace("sgbind.dev/v1alpha1", version).replace("ALBTargetBinding", kind);
    let line = if expected.starts_with("kind") { 2 } else { 1 };
    assert_eq!(told(&text), [format!("stdin:{line}: {kind} team-shop/shop: {expected}")]);
}

#[test]
fn a_version_or_kind_that_is_missing_is_an_error() {
    let without = |line: &str| told(&BINDING.replace(line, ""));
    assert_eq!(
        without("apiVersion: sgbind.dev/v1alpha1\n"),
        ["stdin:1: ALBTargetBinding team-shop/shop: apiVersion: is missing: write apiVersion: sgbind.dev/v1alpha1"]
    );
    assert_eq!(
        without("kind: ALBTargetBinding\n"),
        ["stdin:1: object team-shop/shop: kind: is missing: write kind: ALBTargetBinding or SecurityGroupAccess"]
    );
}

#[test]
fn same_kind_of_another_group_is_skipped() {
    let text = BINDING.replace("sgbind.dev/v1alpha1", "vpcresources.k8s.aws/v1beta1");
    assert_eq!(objects(&format!("{BINDING}---\n{text}")), [("ALBTargetBinding/team-shop/shop".to_owned(), 1)]);
}

#[rstest]
#[case::missing("{}", "metadata.name: is missing: write a name")]
#[case::generated(
    "{generateName: shop-}",
    "metadata.name: is missing: with generateName alone nobody could say which object is meant, so write a name"
)]
#[case::upper_case(
    "{name: Shop}",
    "metadata.name: \"Shop\" is not a name for an object: write at most 253 of a-z, 0-9, hyphen and dot, with a letter or digit at both ends of each part"
)]
#[case::number("{name: 8}", "metadata.name: expected a text, found the number 8: write it in quotes")]
#[case::namespace(
    "{name: a, namespace: a.b}",
    "metadata.namespace: \"a.b\" is not a name for a namespace: write at most 63 of a-z, 0-9 and inner hyphens"
)]
#[case::label("{name: a, labels: {on: yes}}", "metadata.labels[true]: expected a text, found true: write it in quotes")]
#[case::label_value(
    "{name: a, labels: {a: -b}}",
    "metadata.labels[a]: \"-b\" is not a value for a label: write at most 63 letters, digits and inner '-', '_' or '.'"
)]
#[case::annotation(
    "{name: a, annotations: {a/b/c: x}}",
    "metadata.annotations[a/b/c]: \"a/b/c\" is not a name of this kind: write one such as example.com/part, of letters, digits and inner '-', '_' or '.', at most 63 behind the slash"
)]
#[case::unknown("{name: a, label: {}}", "metadata.label: unknown field; did you mean labels?")]
fn metadata_are_those_of_kubernetes(#[case] metadata: &str, #[case] expected: &str) {
    let errors = told(&BINDING.replace("{name: shop}\nspec", &format!("{metadata}\nspec")));
    let said =
        errors.iter().map(|error| error.split_once("metadata.").map_or("", |(_, said)| said)).collect::<Vec<_>>();
    assert_eq!(said, [expected.trim_start_matches("metadata.")], "{errors:?}");
}

#[test]
fn what_the_cluster_printed_is_taken() {
    let text = "apiVersion: sgbind.dev/v1alpha1\nkind: ALBTargetBinding\nmetadata:\n  annotations: {a.b/c: d}\n  \
                creationTimestamp: \"2026-11-27T10:00:00Z\"\n  deletionTimestamp: \"2026-11-27T10:00:00Z\"\n  finalizers: \
                [sgbind.dev/rules]\n  generation: 3\n  name: shop\n  namespace: other\n  resourceVersion: \"17\"\n  uid: \
                1-2-3\n  managedFields:\n  - {manager: kubectl, fieldsV1: {\"f:spec\": {}}}\nspec:\n  clients: null\n  \
                loadBalancer: {name: shop}\nstatus:\n  observedGeneration: 3\n";
    let documents = read(&[Source::Stdin], "team-shop", text.as_bytes()).expect("nothing is wrong");
    let object = &documents[0].object;
    assert_eq!(object.reference().to_string(), "ALBTargetBinding/other/shop");
    assert_eq!(object.metadata().generation, Some(3));
    assert_eq!(object.metadata().deletion_timestamp, None, "created from this file, it would not be leaving");
    assert_eq!(object.status().map(|status| status.observed_generation), Some(3));
}

#[test]
fn a_source_is_stdin_or_a_path() {
    let sources = ["-", "./-", "a.yaml"].map(|text| text.parse::<Source>().expect("never fails"));
    assert_eq!(sources, [Source::Stdin, Source::Path("./-".into()), Source::Path("a.yaml".into())]);
    assert_eq!(read(&[Source::Stdin, Source::Stdin], "default", BINDING.as_bytes()).map(|all| all.len()), Ok(1));
}

#[test]
fn fields_have_their_lines() {
    let text = "# A binding.\n---\napiVersion: sgbind.dev/v1alpha1\nkind: ALBTargetBinding\nmetadata:\n  name: shop\nspec:\n  \
                loadBalancer:\n    tags: {a.b/c: d,\n      a.b: e}\n  listeners:\n  - port: 443\n    clients:\n    - cidr: \
                10.0.0.0/8\n    - vpc:\n        true\n";
    let documents = read(&[Source::Stdin], "team-shop", text.as_bytes()).expect("nothing is wrong");
    let lines = [
        ("", 3),
        ("spec", 7),
        ("spec.loadBalancer.tags[a.b/c]", 9),
        ("spec.loadBalancer.tags[a.b]", 10),
        ("spec.loadBalancer.tags.a.b", 10),
        ("spec.listeners", 11),
        ("spec.listeners[0]", 12),
        ("spec.listeners[0].port", 12),
        ("spec.listeners[0].clients", 13),
        ("spec.listeners[0].clients[1]", 15),
        ("spec.listeners[0].clients[1].vpc", 15),
        ("spec.listeners[0].clients[1].cidr", 15),
        ("spec.listeners[0].clients[7].cidr", 13),
        ("spec.listeners[1]", 11),
        ("spec.clients[0].cidr", 7),
        ("status", 3),
    ];
    let found = lines.map(|(field, _)| (field, documents[0].position(field)));
    assert_eq!(found, lines);
    let error = documents[0].error("spec.listeners[0].port", "is taken");
    assert_eq!(error.to_string(), "stdin:12: ALBTargetBinding team-shop/shop: spec.listeners[0].port: is taken");
}

#[test]
fn a_folder_without_any_is_named() {
    let folder = Folder::new(&[("a.yaml", "a: 1\n")]);
    let expected = ["no ALBTargetBinding or SecurityGroupAccess of sgbind.dev/v1alpha1 in ."];
    assert_eq!(folder.read(&[folder.whole()]).unwrap_err(), expected);
}
