//! Programs that typically do not use the network.

use super::habits::{instances_counted, records_lacking};
use super::who::Who;
use crate::context::{Context, Place};
use crate::model::Timestamp;

/// Programs that have no business on the network, by file name: they show text, compute, or run
/// what others give them (Sigma and Elastic rules for network use of system binaries).
const MUTE: &[&str] = &[
    "calc.exe",
    "calculator.exe",
    "cmstp.exe",
    "dllhost.exe",
    "installutil.exe",
    "mspaint.exe",
    "notepad.exe",
    "odbcconf.exe",
    "regasm.exe",
    "regsvcs.exe",
    "regsvr32.exe",
    "rundll32.exe",
    "werfault.exe",
    "wordpad.exe",
    "write.exe",
    "xwizard.exe",
];
/// Executions from which a share of networked instances says something.
const ENOUGH: u64 = 10;
/// Upper bound of that share below which a program typically does not network.
const RARELY: f64 = 0.3;

/// Weight and numbers for a program that typically does not network; `None` for any other.
///
/// By the share of its instances that do, (k + 1/2) / (n + 1), and the upper bound of that; where
/// there are too few, by the list. What counts is `before` a moment, for which `when` is the word.
pub fn silent_program(
    place: Place,
    who: &Who,
    (before, when): (Timestamp, &str),
    context: &Context,
) -> Option<(f64, String)> {
    let usage = context.baseline.image(place, &who.program, before);
    let (n, k) = (usage.executions, usage.networked.min(usage.executions));
    let listed = MUTE.contains(&who.file_name());
    let share = (k as f64 + 0.5) / (n as f64 + 1.0);
    let bound = upper_bound(n, k);
    let counted = instances_counted(place, who, before, context);
    let lacking = records_lacking(place, before, context);
    let instances = match (lacking, counted.networked, counted.starts) {
        (true, ..) => format!("at least {k} of at least {n} instances"),
        (false, true, true) => format!("{k} of {n} instances"),
        (false, true, false) => format!("{k} of {n} or more instances"),
        (false, false, _) => format!("{k} or more of {n} or more instances"),
    };
    // Of a number that may be too small no share can be called the greatest.
    if n >= ENOUGH && bound <= RARELY && counted.networked {
        let measured = match lacking {
            true => format!(
                "share of these {share:.3}; records of the host's logs are missing, or may be"
            ),
            false => format!("share {share:.3}, at most {bound:.3}"),
        };
        return Some((
            (-10.0 * share.log10()).min(15.0),
            format!("{instances} networked {when}; {measured}"),
        ));
    }
    (listed && (n < ENOUGH || share < 0.5)).then(|| {
        let measured = format!(
            "{} is on the list of programs without business on the network; here {instances} networked {when}",
            who.file_name()
        );
        (8.0, measured)
    })
}

/// Upper 95 % bound of a share of k in n: exact for k = 0, else by the normal approximation.
fn upper_bound(n: u64, k: u64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if k == 0 {
        return 1.0 - 0.05_f64.powf(1.0 / n as f64);
    }
    let share = (k as f64 + 0.5) / (n as f64 + 1.0);
    (share + 1.645 * (share * (1.0 - share) / (n as f64 + 1.0)).sqrt()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_no_instance_in_ten_is_a_quarter() {
        // The rule of three: about 3 / n.
        assert!((upper_bound(10, 0) - 0.2589).abs() < 0.001);
        assert!((upper_bound(100, 0) - 0.0295).abs() < 0.001);
        assert!(upper_bound(10, 5) > RARELY);
        assert_eq!(upper_bound(0, 0), 1.0);
    }
}
