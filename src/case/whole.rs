//! Whether the captures could hold a magic packet as a whole.

use crate::context::coverage::Sensor;

/// The pattern in an Ethernet frame of its own type: what is shorter holds none.
const SHORTEST: u64 = 14 + PATTERN;
/// The pattern in a datagram: Ethernet, IPv4 and UDP before it.
const USUAL: u64 = 14 + 20 + 8 + PATTERN;
/// Six bytes and sixteen times an address.
const PATTERN: u64 = 6 + 16 * 6;

/// How much of a magic packet the captures could hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// Some capture holds whole ones, or its packets were short by themselves.
    Yes,
    /// Only some kinds; why.
    Part(String),
    /// None; why.
    Nothing(String),
}

/// What the best of the captures could hold.
pub(super) fn whole(sensors: &[Sensor]) -> Whole {
    let captures: Vec<&Sensor> = sensors.iter().filter(|s| !s.summed_up).collect();
    if captures.is_empty() && !sensors.is_empty() {
        return Whole::Nothing("a log of connections holds no magic packet".to_owned());
    }
    let kept = |sensor: &&Sensor| match sensor.cut {
        0 => u64::MAX,
        _ => sensor.longest,
    };
    let most = captures.iter().map(kept).max().unwrap_or(u64::MAX);
    match most {
        0..SHORTEST => Whole::Nothing(format!(
            "packets were cut to {most} bytes; a magic packet has {SHORTEST} and more"
        )),
        SHORTEST..USUAL => Whole::Part(format!(
            "packets were cut to {most} bytes; a magic packet in a datagram has {USUAL} and more"
        )),
        _ => Whole::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::coverage::sensor::tests::sensor;

    fn of(cut: u64, longest: u64, summed_up: bool) -> Sensor {
        Sensor {
            cut,
            longest,
            summed_up,
            ..sensor(1, &[0, 10])
        }
    }

    #[test]
    fn a_capture_that_is_cut_too_short_holds_no_magic_packet() {
        assert_eq!(
            whole(&[of(0, 60, false)]),
            Whole::Yes,
            "short by themselves"
        );
        assert_eq!(whole(&[of(3, 144, false)]), Whole::Yes);
        assert!(matches!(whole(&[of(3, 143, false)]), Whole::Part(_)));
        assert!(matches!(whole(&[of(3, 115, false)]), Whole::Nothing(_)));
        assert_eq!(whole(&[of(3, 64, false), of(0, 1_514, false)]), Whole::Yes);
    }

    #[test]
    fn a_log_of_connections_holds_none() {
        assert!(matches!(whole(&[of(0, 0, true)]), Whole::Nothing(_)));
        assert_eq!(whole(&[of(0, 0, true), of(0, 60, false)]), Whole::Yes);
        assert_eq!(whole(&[]), Whole::Yes);
    }
}
