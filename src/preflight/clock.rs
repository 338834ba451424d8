use jiff::SignedDuration;

use super::report::Section;

/// By so much clocks may differ without anything being worth a word.
const TOLERABLE: SignedDuration = SignedDuration::from_secs(60);
/// AWS refuses what was signed longer ago. Source: "Signature Version 4" in the IAM user guide.
const SIGNATURE: SignedDuration = SignedDuration::from_secs(300);

/// Whether our clock agrees with `whose`; it is `ahead` by so much.
pub fn judge(section: &mut Section, whose: &str, ahead: Option<SignedDuration>) {
    const NAME: &str = "clock";
    let Some(ahead) = ahead else {
        section.skip(NAME, &format!("the clock of this machine against {whose}"), "no answer had a date");
        return;
    };
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let message = format!("the clock of this machine is {} s {side} {whose}", ahead.as_secs().abs());
    let hint = "set the clock by NTP; `timedatectl` shows whether that is so. The nodes' clocks matter as much";
    match ahead.abs() {
        skew if skew < TOLERABLE => section.ok(NAME, format!("the clock of this machine agrees with {whose}")),
        skew if skew < SIGNATURE => section.warn(NAME, message, hint),
        _ => section.fail(NAME, format!("{message}: AWS refuses signatures that are 5 minutes off"), hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Status;

    #[test]
    fn a_minute_is_worth_a_word_and_five_are_too_much() {
        let judged = |ahead| {
            let mut section = Section::new("AWS");
            judge(&mut section, "AWS's", ahead);
            (section.checks[0].status, section.checks[0].message.clone())
        };
        let seconds = |seconds| Some(SignedDuration::from_secs(seconds));
        let agrees = "the clock of this machine agrees with AWS's".to_owned();
        for within in [0, 59, -59] {
            assert_eq!(judged(seconds(within)), (Status::Ok, agrees.clone()));
        }
        assert_eq!(judged(seconds(60)).0, Status::Warning);
        let behind = "the clock of this machine is 299 s behind AWS's".to_owned();
        assert_eq!(judged(seconds(-299)), (Status::Warning, behind));
        let ahead = "the clock of this machine is 300 s ahead of AWS's: AWS refuses signatures that are 5 minutes off";
        assert_eq!(judged(seconds(300)), (Status::Failed, ahead.to_owned()));
        assert_eq!(judged(None).0, Status::Warning);
    }
}
