//! The expect block, read loosely: judging is the business of the test that reads it.

/// One line of an expect block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Line of the page.
    pub line: usize,
    /// The line as written, without spaces around it.
    pub text: String,
    /// What it says.
    pub says: Expectation,
}

/// What an expect line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// `none`: no finding.
    None,
    /// `AN0842 high  evil -> WS01:3389  steps wire:1 wire:3 log:1`, or with `near` in front a near
    /// miss.
    Finding {
        /// Only a near miss.
        near: bool,
        /// Analytic id.
        analytic: String,
        /// Tier, where the line names one.
        tier: Option<String>,
        /// Whom it is about, as written.
        about: String,
        /// Labels after `steps`.
        steps: Vec<String>,
    },
    /// `verdict …`, the rest as written.
    Verdict(String),
    /// Anything else.
    Other,
}

const TIERS: [&str; 5] = ["info", "low", "medium", "medium-high", "high"];

impl Expected {
    pub(super) fn of(line: usize, text: &str) -> Self {
        let text = text.trim().to_owned();
        let says = read(&text);
        Self { line, text, says }
    }
}

fn read(text: &str) -> Expectation {
    if text == "none" {
        return Expectation::None;
    }
    if let Some(rest) = text.strip_prefix("verdict ") {
        return Expectation::Verdict(rest.trim().to_owned());
    }
    let (near, rest) = text
        .strip_prefix("near ")
        .map_or((false, text), |rest| (true, rest.trim_start()));
    let (body, steps) = rest.split_once(" steps ").unwrap_or((rest, ""));
    let mut words = body.split_whitespace().peekable();
    let Some(analytic) = words
        .next()
        .filter(|w| w.starts_with("AN") || w.contains("failed"))
    else {
        return Expectation::Other;
    };
    let tier = words.next_if(|w| TIERS.contains(w)).map(str::to_owned);
    Expectation::Finding {
        near,
        analytic: analytic.to_owned(),
        tier,
        about: words.collect::<Vec<_>>().join(" "),
        steps: steps.split_whitespace().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_near_misses_and_verdicts_are_told_apart() {
        let finding = read("AN0842 high  evil -> WS01:3389  steps wire:1 log:1");
        assert_eq!(
            finding,
            Expectation::Finding {
                near: false,
                analytic: "AN0842".into(),
                tier: Some("high".into()),
                about: "evil -> WS01:3389".into(),
                steps: vec!["wire:1".into(), "log:1".into()],
            }
        );
        assert_eq!(read("none"), Expectation::None);
        let near = read("near AN0842 evil -> WS01");
        assert!(matches!(
            near,
            Expectation::Finding {
                near: true,
                tier: None,
                ..
            }
        ));
        assert_eq!(
            read("verdict AN0842 WS01 blind"),
            Expectation::Verdict("AN0842 WS01 blind".into())
        );
        assert_eq!(read("something else"), Expectation::Other);
    }
}
