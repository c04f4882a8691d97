//! What came of tying attempts to processes, as notes and problems of the case.

use super::conclude::Read;
use crate::evidence::{Problem, ProblemKind, Weight};

impl Read {
    /// How many attempts of each host have a process, and what could not wait for one.
    pub(super) fn attribution(&mut self) -> Vec<String> {
        let account = &self.attributed;
        let counts = [
            (
                account.cut_short,
                "attempts and socket records could not wait for each other because too many came at once",
                "an attempt may lack its process, or count a second time from the log",
            ),
            (
                account.forgotten,
                "endpoints of connections were forgotten because there were too many",
                "a connection that Windows logs again may count a second time",
            ),
        ];
        for (count, what, effect) in counts {
            if count > 0 {
                self.problems.add(Problem {
                    evidence: None,
                    kind: ProblemKind::Limit,
                    weight: Weight::Note,
                    count,
                    first_offset: None,
                    message: format!("processes of attempts: {what}"),
                    effect: effect.to_owned(),
                });
            }
        }
        let rows = account.hosts.iter().filter_map(|(id, row)| {
            let host = self.context.identity.host(*id)?;
            Some(format!("{}: {}", host.name, row.sentence()?))
        });
        rows.collect()
    }
}
