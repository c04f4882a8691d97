//! "Did you mean": the known word nearest to an unknown one.

/// The nearest of `known` to `word`, if it is near enough to be a slip of the finger: at most two
/// edits or a third of the word, or an abbreviation that keeps half of it. Upper and lower case are
/// the same.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long word is no slip of the finger, and the table below is not for it.
    let word: Vec<char> = word
        .chars()
        .take(64)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    known
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.chars().map(|c| c.to_ascii_lowercase()).collect();
            let distance = edits(&word, &other);
            let slip = distance <= (other.len() / 3).max(2) && distance < word.len();
            (slip || abbreviates(&word, &other)).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// True if `word` is at least half of `whole`, with letters left out.
fn abbreviates(word: &[char], whole: &[char]) -> bool {
    let mut letters = whole.iter();
    word.len() * 2 >= whole.len() && word.iter().all(|c| letters.any(|other| other == c))
}

/// Levenshtein distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y))
                .min(above + 1)
                .min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["AN0842", "AN1448", "XDR-FC"];
        assert_eq!(nearest("an0824", known), Some("AN0842"));
        assert_eq!(nearest("AN842", known), Some("AN0842"));
        assert_eq!(nearest("XDRFC", known), Some("XDR-FC"));
        assert_eq!(nearest("portscan", known), None);
        assert_eq!(
            nearest("MinSequenceLength", ["MinSequenceLen", "TimeWindow"]),
            Some("MinSequenceLen")
        );
    }
}
