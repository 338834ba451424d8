//! Runs behaviours on a backend, and compares.

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use tokio::{task::JoinError, time::timeout};

use super::{
    Behaviour, Stand,
    behaviour::{Need, Source},
};

/// What was seen of one behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    Lines(Vec<String>),
    /// It was left out, for this lack.
    Lacking(Need),
}

/// What was seen of all behaviours on one backend, by id.
pub type Findings = BTreeMap<&'static str, Observed>;

/// Runs all behaviours, so many at once, whatever becomes of any. A panic is a line of what was observed.
pub async fn run<S: Stand>(
    behaviours: &Arc<Vec<Behaviour<S>>>,
    lacks: &[Need],
    patience: Duration,
    at_once: usize,
    stand: impl Fn(&'static str) -> S,
) -> Findings {
    let started = (0..behaviours.len()).map(|index| {
        let behaviour = &behaviours[index];
        if let Some(need) = behaviour.needs.iter().find(|need| lacks.contains(need)) {
            return (behaviour.id, None, Observed::Lacking(*need));
        }
        (behaviour.id, Some((index, stand(behaviour.id))), Observed::Lines(vec![]))
    });
    let one = |(id, work, otherwise): (&'static str, Option<(usize, S)>, Observed)| {
        let behaviours = Arc::clone(behaviours);
        async move {
            let Some((index, stand)) = work else { return (id, otherwise) };
            let transcript = stand.transcript().clone();
            // Spawned, so that a panic ends only this one.
            let task = tokio::spawn(async move { timeout(patience, (behaviours[index].observe)(stand)).await });
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => transcript.say(format!("still not done after {} seconds", patience.as_secs())),
                Err(error) => transcript.say(format!("panic: {}", words_of(error))),
            }
            (id, Observed::Lines(transcript.lines()))
        }
    };
    stream::iter(started).map(one).buffer_unordered(at_once).collect().await
}

fn words_of(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "cancelled".into() };
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}

/// What is wrong with the observations of a backend: nothing, if the text is empty.
pub fn faults<S>(behaviours: &[Behaviour<S>], backend: &str, findings: &Findings) -> String {
    let mut text = String::new();
    for behaviour in behaviours {
        let Some(Observed::Lines(lines)) = findings.get(behaviour.id) else { continue };
        let difference = behaviour.differences.get(backend);
        let wanted = difference.map_or(&behaviour.expected, |difference| &difference.lines);
        if lines == wanted {
            continue;
        }
        let _ = write!(text, "\n{} on {backend}: {}", behaviour.id, behaviour.says);
        if difference.is_some() && *lines == behaviour.expected {
            text.push_str("\n    the declared difference does not occur: it behaves as expected\n");
            continue;
        }
        let declared = if difference.is_some() { "declared to differ so" } else { "expected" };
        let _ = writeln!(text, " ({declared})\n{}", indented(&compared(wanted, lines)));
    }
    text
}

/// Behaviours that could not even be declared: two of one name, none expected, or a difference from nothing.
pub fn malformed<S>(behaviours: &[Behaviour<S>], backends: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for Behaviour { id, says, source, expected, differences, .. } in behaviours {
        let (Source::Page(words) | Source::Observed(words) | Source::Unverified(words)) = source;
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !seen.insert(id) {
            wrong.push(format!("{id}: twice"));
        }
        if !id.chars().all(kebab) || !says.ends_with('.') || words.is_empty() || expected.is_empty() {
            wrong.push(format!("{id}: needs an id in kebab-case, a sentence, a source, and lines that are expected"));
        }
        for (backend, difference) in differences {
            if !backends.contains(backend) || difference.lines == *expected || difference.because.is_empty() {
                wrong.push(format!("{id}: the difference of {backend} is none"));
            }
        }
    }
    wrong
}

/// All lines, marked where one side lacks them.
fn compared(wanted: &[String], seen: &[String]) -> String {
    let word = |side| match side {
        Side::Both => "        ",
        Side::Wanted => "missing",
        Side::Seen => "extra",
    };
    let line = |(side, line)| format!("{:>9} {line}", word(side));
    diff(wanted, seen).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Who has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Both,
    Wanted,
    Seen,
}

/// The lines of both, in the order of both as far as they agree.
pub fn diff<'a>(wanted: &'a [String], seen: &'a [String]) -> Vec<(Side, &'a str)> {
    // The longest common subsequence, from each pair of positions on.
    let mut common = vec![vec![0_usize; seen.len() + 1]; wanted.len() + 1];
    for w in (0..wanted.len()).rev() {
        for s in (0..seen.len()).rev() {
            common[w][s] = match wanted[w] == seen[s] {
                true => common[w + 1][s + 1] + 1,
                false => common[w + 1][s].max(common[w][s + 1]),
            };
        }
    }
    let (mut w, mut s, mut lines) = (0, 0, Vec::new());
    while w < wanted.len() || s < seen.len() {
        if w < wanted.len() && s < seen.len() && wanted[w] == seen[s] {
            lines.push((Side::Both, wanted[w].as_str()));
            (w, s) = (w + 1, s + 1);
        } else if s == seen.len() || (w < wanted.len() && common[w + 1][s] >= common[w][s + 1]) {
            lines.push((Side::Wanted, wanted[w].as_str()));
            w += 1;
        } else {
            lines.push((Side::Seen, seen[s].as_str()));
            s += 1;
        }
    }
    lines
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Transcript, behaviour, behaviour::Source::Page},
        *,
    };

    #[derive(Clone, Default)]
    struct Nothing(Transcript);

    impl Stand for Nothing {
        fn transcript(&self) -> &Transcript {
            &self.0
        }
    }

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|line| (*line).to_owned()).collect()
    }

    fn sample() -> Vec<Behaviour<Nothing>> {
        let known = behaviour("known", "It is known to differ.", Page("A"));
        let plain = behaviour("plain", "It is the same.", Page("A"));
        vec![known.expect(&["a"]).differs("here", "for a reason", &["b"]), plain.expect(&["a"])]
    }

    fn faults_of(known: &[&str], plain: &[&str]) -> String {
        let findings =
            [("known", Observed::Lines(lines(known))), ("plain", Observed::Lines(lines(plain)))].into_iter().collect();
        faults(&sample(), "here", &findings)
    }

    #[test]
    fn what_is_expected_and_what_is_declared_are_no_faults() {
        assert_eq!(faults_of(&["b"], &["a"]), "");
    }

    #[test]
    fn a_difference_that_nobody_declared_is_a_fault() {
        let told = "\nplain on here: It is the same. (expected)\n    missing a\n      extra c\n";
        assert_eq!(faults_of(&["b"], &["c"]), told);
    }

    #[test]
    fn a_declared_difference_that_does_not_occur_is_a_fault() {
        let told = "\nknown on here: It is known to differ.\n    the declared difference does not occur: it behaves as \
                    expected\n";
        assert_eq!(faults_of(&["a"], &["a"]), told);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let told = faults_of(&["c"], &["c"]);
        assert!(told.contains("known on here") && told.contains("plain on here"), "{told}");
    }

    #[test]
    fn malformed_behaviours_are_told() {
        let mut all = sample();
        all.extend(sample().into_iter().take(1));
        all.push(behaviour("No-kebab", "It is fine.", Page("A")).expect(&["a"]));
        all.push(behaviour("same", "It is fine.", Page("A")).expect(&["a"]).differs("here", "for a reason", &["a"]));
        let needs = "needs an id in kebab-case, a sentence, a source, and lines that are expected";
        assert_eq!(
            malformed(&all, &["here"]),
            ["known: twice".into(), format!("No-kebab: {needs}"), "same: the difference of here is none".to_owned()]
        );
    }

    #[tokio::test]
    async fn one_panic_leaves_the_others_be() {
        let panicking = behaviour("panics", "It panics.", Page("A")).observe(|stand: Nothing| async move {
            stand.0.say("before");
            panic!("in the middle");
        });
        let other = behaviour("other", "It does not.", Page("A")).observe(|stand: Nothing| async move {
            stand.0.name("GROUP", "sg-1");
            stand.0.say("sg-1 is there");
        });
        let all = Arc::new(vec![panicking, other]);
        let seen = run(&all, &[], Duration::from_secs(5), 1, |_| Nothing::default()).await;
        let expected: Findings = [
            ("panics", Observed::Lines(lines(&["before", "panic: in the middle"]))),
            ("other", Observed::Lines(lines(&["GROUP is there"]))),
        ]
        .into_iter()
        .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn missing_and_extra_lines_stand_where_they_belong() {
        let told = compared(&lines(&["a", "b", "c"]), &lines(&["a", "x", "c", "d"]));
        assert_eq!(told, "          a\n  missing b\n    extra x\n          c\n    extra d");
    }
}
