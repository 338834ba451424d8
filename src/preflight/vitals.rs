//! Judges who leads, and what the leader tells of itself.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;

use super::report::Section;

/// After so long something is wrong, unless `--resync` is longer. Source: the alert in docs/operations.md.
const PASS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// client-go's default, where a Lease does not say.
const LEASE_SECONDS: i32 = 15;

/// Whose the Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// There is no Lease.
    Absent,
    /// Nobody's.
    Released,
    Held {
        holder: String,
        renewed: SignedDuration,
    },
    /// It was renewed while we looked, though the times in it say that it has ended: by a clock that is behind.
    HeldByWrongClock {
        holder: String,
        renewed: SignedDuration,
    },
    /// It should have been renewed earlier.
    Expired {
        holder: String,
        renewed: SignedDuration,
    },
}

impl Holding {
    pub fn of(lease: Option<&Lease>, now: Timestamp) -> Self {
        let Some(lease) = lease else { return Self::Absent };
        let spec = lease.spec.clone().unwrap_or_default();
        let Some(holder) = spec.holder_identity.filter(|holder| !holder.is_empty()) else { return Self::Released };
        let renewed = spec.renew_time.map_or(SignedDuration::MAX, |time| now.duration_since(time.0));
        let duration = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or(LEASE_SECONDS).into());
        if renewed <= duration { Self::Held { holder, renewed } } else { Self::Expired { holder, renewed } }
    }

    pub fn seen_to_be_renewed(self) -> Self {
        match self {
            Self::Expired { holder, renewed } => Self::HeldByWrongClock { holder, renewed },
            other => other,
        }
    }

    /// Who leads.
    pub fn holder(&self) -> Option<&str> {
        match self {
            Self::Held { holder, .. } | Self::HeldByWrongClock { holder, .. } => Some(holder),
            Self::Absent | Self::Released | Self::Expired { .. } => None,
        }
    }
}

/// The pod of an identity: `POD_0123456789abcdef`.
pub fn pod(identity: &str) -> Option<&str> {
    identity.rsplit_once('_').map(|(pod, _)| pod).filter(|pod| !pod.is_empty())
}

pub fn judge_lease(section: &mut Section, namespace: &str, holding: &Holding) {
    const LINE: &str = "lease";
    let logs = format!("kubectl -n {namespace} logs -l app.kubernetes.io/name=sgbind --tail=50 says what keeps them");
    match holding {
        Holding::Held { holder, renewed } => {
            section.ok(LINE, format!("{holder} leads, and renewed its lease {} ago", age(*renewed)));
        }
        Holding::HeldByWrongClock { holder, renewed } => section.warn(
            LINE,
            format!("{holder} leads, but by its clock it renewed its lease {} ago", age(*renewed)),
            "set the clock of the node by NTP: AWS refuses signatures that are 5 minutes off",
        ),
        Holding::Expired { holder, renewed } => section.fail(
            LINE,
            format!("nobody leads: the lease of {holder} ended, which renewed it {} ago", age(*renewed)),
            logs,
        ),
        Holding::Released => section.fail(LINE, "nobody leads: the lease was given back, and nobody took it", logs),
        Holding::Absent => section.fail(
            LINE,
            format!("nobody leads: there is no lease in {namespace}"),
            format!("{logs}; with --leader-election false there is none, and this can't be checked"),
        ),
    }
}

/// What a leader's metrics tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    pub version: Option<String>,
    /// `None` before the first.
    pub last_pass: Option<Timestamp>,
}

impl Vitals {
    /// From the OpenMetrics text.
    pub fn read(text: &str) -> Self {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let seconds = value("sgbind_last_full_pass_timestamp_seconds").and_then(|text| text.trim().parse::<f64>().ok());
        let passed = seconds.filter(|seconds| *seconds > 0.0);
        let info = text.lines().find_map(|line| line.strip_prefix("sgbind_build_info{version=\""));
        Self {
            version: info.and_then(|rest| rest.split('"').next()).map(str::to_owned),
            // The cast saturates.
            last_pass: passed.and_then(|seconds| Timestamp::from_second(seconds as i64).ok()),
        }
    }
}

/// `image` is the one of the Deployment, for a controller that does not tell.
pub fn judge_version(section: &mut Section, read: &Result<Vitals, String>, image: Option<&str>, own: &str) {
    const LINE: &str = "version";
    let told = read.as_ref().ok().and_then(|vitals| vitals.version.as_deref());
    match told.or_else(|| image.and_then(tag)) {
        Some(version) if version == own => section.ok(LINE, format!("the controller is sgbind {version}, as this is")),
        Some(version) => section.warn(
            LINE,
            format!("the controller is sgbind {version}, and this is {own}"),
            format!("use the sgbind of the installation, or upgrade it to {own} (deploy/README.md, \"Upgrading\")"),
        ),
        None => {
            let because = read.as_ref().err().map_or("neither its metrics nor its image tell", String::as_str);
            section.skip(LINE, "the controller's version", because);
        }
    }
}

/// Of `REGISTRY/NAME:TAG@DIGEST`.
fn tag(image: &str) -> Option<&str> {
    let name = image.split('@').next()?.rsplit('/').next()?;
    name.split_once(':').map(|(_, tag)| tag.trim_start_matches('v'))
}

/// Whether there is anything to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// No object at all.
    Nothing,
    Something,
}

pub fn judge_last_pass(
    section: &mut Section,
    namespace: &str,
    read: &Result<Vitals, String>,
    work: Work,
    now: Timestamp,
) {
    const LINE: &str = "last-pass";
    let last = match read {
        Ok(vitals) => vitals.last_pass.map(|at| now.duration_since(at)),
        Err(error) => {
            let hint = format!(
                "run this as somebody who may get pods/proxy in {namespace}, or look at \
                 sgbind_last_full_pass_timestamp_seconds in Prometheus"
            );
            let message =
                format!("skipped: when all groups were compared last: the leader's metrics can't be read: {error}");
            return section.warn(LINE, message, hint);
        }
    };
    let logs = format!("kubectl -n {namespace} logs -l app.kubernetes.io/name=sgbind --tail=50 says what fails");
    match last {
        None if work == Work::Nothing => section.ok(LINE, "there is nothing to compare yet: no object of our kinds"),
        None => section.warn(LINE, "the leader has not compared all groups with AWS yet", logs),
        Some(last) if last > PASS_WITHIN => {
            section.warn(LINE, format!("all groups were compared with AWS last {} ago", age(last)), logs);
        }
        Some(last) => section.ok(LINE, format!("all groups were compared with AWS {} ago", age(last))),
    }
}

/// In the greatest unit that says enough.
fn age(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds @ ..0 => format!("{seconds} s"),
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

    use super::*;
    use crate::preflight::Status;

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn lease(holder: &str, renewed: i64) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.into()),
            renew_time: Some(MicroTime(now() - SignedDuration::from_secs(renewed))),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        Lease { spec: Some(spec), ..Lease::default() }
    }

    fn only(judge: impl FnOnce(&mut Section)) -> (Status, String) {
        let mut section = Section::new("Controller");
        judge(&mut section);
        let [check] = &section.checks[..] else { panic!("{section:?}") };
        (check.status, check.message.clone())
    }

    #[test]
    fn a_lease_is_held_for_as_long_as_it_says() {
        let judged = |holding: Holding| only(|section| judge_lease(section, "sgbind-system", &holding));
        let of = |lease: Option<&Lease>| Holding::of(lease, now());
        let held = (Status::Ok, "pod-1_0a leads, and renewed its lease 15 s ago".to_owned());
        assert_eq!(judged(of(Some(&lease("pod-1_0a", 15)))), held);
        let ended = "nobody leads: the lease of pod-1_0a ended, which renewed it 16 s ago";
        assert_eq!(judged(of(Some(&lease("pod-1_0a", 16)))), (Status::Failed, ended.to_owned()));
        let behind = "pod-1_0a leads, but by its clock it renewed its lease 2 min ago";
        let renewed = of(Some(&lease("pod-1_0a", 125))).seen_to_be_renewed();
        assert_eq!(renewed.holder().and_then(pod), Some("pod-1"));
        assert_eq!(judged(renewed), (Status::Warning, behind.to_owned()));
        let given_back = "nobody leads: the lease was given back, and nobody took it";
        assert_eq!(judged(of(Some(&lease("", 1)))), (Status::Failed, given_back.to_owned()));
        let absent = "nobody leads: there is no lease in sgbind-system";
        assert_eq!(judged(of(None)), (Status::Failed, absent.to_owned()));
    }

    #[test]
    fn the_version_is_the_one_that_the_leader_tells_or_that_of_its_image() {
        let judged = |read: Result<&str, &str>, image| {
            let read = read.map(Vitals::read).map_err(str::to_owned);
            only(|section| judge_version(section, &read, image, "0.2.0"))
        };
        let info = "sgbind_build_info{version=\"0.2.0\"} 1\n";
        let same = (Status::Ok, "the controller is sgbind 0.2.0, as this is".to_owned());
        assert_eq!(judged(Ok(info), Some("registry:5000/sgbind:0.1.0")), same);
        let older = (Status::Warning, "the controller is sgbind 0.1.0, and this is 0.2.0".to_owned());
        assert_eq!(judged(Ok(""), Some("registry:5000/sgbind:v0.1.0@sha256:0a")), older);
        assert_eq!(judged(Err("forbidden"), Some("registry:5000/sgbind:0.2.0")), same);
        let skipped = (Status::Warning, "skipped: the controller's version: forbidden".to_owned());
        assert_eq!(judged(Err("forbidden"), Some("registry:5000/sgbind@sha256:0a")), skipped);
    }

    #[test]
    fn ten_minutes_without_a_pass_are_worth_a_word() {
        let judged_with = |work, seconds: f64| {
            let text = format!("# EOF\nsgbind_last_full_pass_timestamp_seconds {seconds}\n");
            only(|section| judge_last_pass(section, "sgbind-system", &Ok(Vitals::read(&text)), work, now()))
        };
        let judged = |seconds| judged_with(Work::Something, seconds);
        let at = now().as_second() as f64;
        assert_eq!(judged(at - 12.5), (Status::Ok, "all groups were compared with AWS 13 s ago".into()));
        let late = (Status::Warning, "all groups were compared with AWS last 10 min ago".to_owned());
        assert_eq!(judged(at - 601.0), late);
        let nothing = "there is nothing to compare yet: no object of our kinds";
        assert_eq!(judged_with(Work::Nothing, 0.0), (Status::Ok, nothing.into()));
        assert_eq!(judged(0.0), (Status::Warning, "the leader has not compared all groups with AWS yet".into()));
    }
}
