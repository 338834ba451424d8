use super::*;

fn group(id: &str) -> Group {
    Group { account: "111122223333".into(), region: "eu-central-1".into(), security_group: id.into() }
}

/// But for the one that is always there.
const BUILD: &str = concat!(r#"sgbind_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#);

fn samples(metrics: &Metrics) -> Vec<String> {
    let text = metrics.encode().unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(String::from).collect();
    let all = lines.len();
    lines.retain(|line| line != BUILD);
    assert_eq!(lines.len() + 1, all, "the version is told once: {text}");
    lines.sort();
    lines
}

#[test]
fn what_is_reported_is_shown() {
    let metrics = Metrics::new();
    metrics.reconciled("changed");
    metrics.aws_called("DescribeInstances", "2xx");
    metrics.aws_waited("DescribeInstances", Duration::from_millis(1500));
    metrics.set_rules(&group("sg-1"), RuleCounts { desired: 4, missing: 3, surplus: 2, foreign: 1 });
    metrics.drift_repaired(&group("sg-1"));
    metrics.set_quota_headroom(&group("sg-1"), Direction::Egress, -2);
    metrics.set_leader(true);
    metrics.full_pass_ended("1970-01-01T00:01:00.5Z".parse().unwrap());
    assert_eq!(
        samples(&metrics),
        [
            r#"sgbind_aws_calls_total{action="DescribeInstances",outcome="2xx"} 1"#,
            r#"sgbind_aws_throttle_wait_seconds_total{action="DescribeInstances"} 1.5"#,
            r#"sgbind_drift_repairs_total{security_group="sg-1"} 1"#,
            r#"sgbind_last_full_pass_timestamp_seconds 60.5"#,
            r#"sgbind_leader 1"#,
            r#"sgbind_quota_headroom{security_group="sg-1",direction="egress"} -2"#,
            r#"sgbind_reconcile_total{outcome="changed"} 1"#,
            r#"sgbind_rules{account="111122223333",region="eu-central-1",security_group="sg-1",state="desired"} 4"#,
            r#"sgbind_rules{account="111122223333",region="eu-central-1",security_group="sg-1",state="foreign"} 1"#,
            r#"sgbind_rules{account="111122223333",region="eu-central-1",security_group="sg-1",state="missing"} 3"#,
            r#"sgbind_rules{account="111122223333",region="eu-central-1",security_group="sg-1",state="surplus"} 2"#,
        ]
    );
}

#[test]
fn stages_have_histograms_of_seconds() {
    let metrics = Metrics::new();
    metrics.stage_took("apply", Duration::from_secs(2));
    let samples = samples(&metrics);
    assert!(samples.contains(&r#"sgbind_reconcile_duration_seconds_sum{stage="apply"} 2.0"#.into()), "{samples:?}");
    assert!(samples.contains(&r#"sgbind_reconcile_duration_seconds_bucket{le="2.56",stage="apply"} 1"#.into()));
    assert!(samples.contains(&r#"sgbind_reconcile_duration_seconds_bucket{le="1.28",stage="apply"} 0"#.into()));
}

#[test]
fn held_steps_are_the_sum_over_groups() {
    let metrics = Metrics::new();
    let held = |reasons: &[(&str, u32)]| reasons.iter().map(|(reason, n)| ((*reason).into(), *n)).collect();
    metrics.set_held(&group("sg-1"), held(&[("QuotaExceeded", 2), ("MassRevocation", 1)]));
    metrics.set_held(&group("sg-2"), held(&[("QuotaExceeded", 5)]));
    metrics.set_held(&group("sg-1"), held(&[("QuotaExceeded", 1)]));
    assert_eq!(
        samples(&metrics)[..2],
        [r#"sgbind_held_steps{reason="MassRevocation"} 0"#, r#"sgbind_held_steps{reason="QuotaExceeded"} 6"#]
    );
    metrics.forget_group(&group("sg-2"));
    assert_eq!(samples(&metrics)[1], r#"sgbind_held_steps{reason="QuotaExceeded"} 1"#);
}

#[test]
fn a_group_without_contested_rules_has_no_series_of_them() {
    let metrics = Metrics::new();
    metrics.set_contested(&group("sg-1"), 2);
    assert_eq!(samples(&metrics)[0], r#"sgbind_contested_rules{security_group="sg-1"} 2"#);
    metrics.set_contested(&group("sg-1"), 0);
    assert!(!samples(&metrics).iter().any(|line| line.contains("contested")));
}

#[test]
fn a_forgotten_group_leaves_no_series() {
    let metrics = Metrics::new();
    for id in ["sg-1", "sg-2"] {
        metrics.set_rules(&group(id), RuleCounts::default());
        metrics.drift_repaired(&group(id));
        metrics.set_contested(&group(id), 1);
        metrics.set_quota_headroom(&group(id), Direction::Ingress, 1);
        metrics.set_quota_headroom(&group(id), Direction::Egress, 1);
    }
    metrics.forget_group(&group("sg-1"));
    let left = samples(&metrics);
    assert!(!left.iter().any(|line| line.contains("sg-1")), "{left:?}");
    assert_eq!(left.iter().filter(|line| line.contains("sg-2")).count(), 8);
}
