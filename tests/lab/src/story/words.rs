//! Words of a story line: splitting, quoting, times and durations, and errors that say what would
//! have been understood.

use crate::moment::{MILLISECOND, SECOND};
use std::fmt;

/// A line that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryError {
    /// Line of the Markdown page, from 1.
    pub line: usize,
    /// What is wrong and which words would be understood.
    pub message: String,
}

impl fmt::Display for StoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for StoryError {}

/// Result of reading a line.
pub(super) type Read<T> = Result<T, StoryError>;

/// The words of one line, read from left to right.
pub(super) struct Words {
    line: usize,
    words: Vec<String>,
    at: usize,
}

impl Words {
    /// Splits at spaces; text in double quotes is one word; `#` begins a comment.
    pub(super) fn of(line: usize, text: &str) -> Read<Self> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| StoryError {
                    line,
                    message: "a quotation mark is never closed".into(),
                })?,
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            words.push(word.to_owned());
            rest = after.trim_start();
        }
        Ok(Self { line, words, at: 0 })
    }

    pub(super) fn error(&self, message: impl Into<String>) -> StoryError {
        StoryError {
            line: self.line,
            message: message.into(),
        }
    }

    /// An error about `word`, with what would be understood instead.
    pub(super) fn unknown<T>(&self, what: &str, word: &str, understood: &str) -> Read<T> {
        Err(self.error(format!(
            "unknown {what} \"{word}\"; understood: {understood}"
        )))
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    pub(super) fn peek_second(&self) -> Option<&str> {
        self.words.get(self.at + 1).map(String::as_str)
    }

    /// The next word; `what` names it in the error.
    pub(super) fn next(&mut self, what: &str) -> Read<String> {
        let word = self.peek().map(str::to_owned);
        self.at += 1;
        word.ok_or_else(|| self.error(format!("{what} is missing at the end of the line")))
    }

    /// Takes the next word if it is `word`.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Takes the next words if they are `phrase`.
    pub(super) fn take_all(&mut self, phrase: &str) -> bool {
        let found = phrase
            .split(' ')
            .enumerate()
            .all(|(i, word)| self.words.get(self.at + i).is_some_and(|w| w == word));
        if found {
            self.at += phrase.split(' ').count();
        }
        found
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.words.len()
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self, what: &str) -> Read<T> {
        let word = self.next(what)?;
        word.parse()
            .map_err(|_| self.error(format!("{what} should be a number, not \"{word}\"")))
    }

    pub(super) fn duration(&mut self, what: &str) -> Read<i64> {
        let word = self.next(what)?;
        duration(&word).ok_or_else(|| {
            self.error(format!(
                "{what} should be a length such as 450ms, 1.8s, 5m, 2h or 30d, not \"{word}\""
            ))
        })
    }

    pub(super) fn clock(&mut self, what: &str) -> Read<i64> {
        let word = self.next(what)?;
        clock(&word).ok_or_else(|| {
            self.error(format!(
                "{what} should be a time such as 02:11:04.000, not \"{word}\""
            ))
        })
    }
}

/// `450ms`, `-1.8s`, `+5m`, `2h`, `30d`, `100us`, `1ns`; a bare number is seconds. Nanoseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let unit = match &text[digits..] {
        "ns" => 1,
        "us" => 1000,
        "ms" => MILLISECOND,
        "s" | "" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    };
    decimal(&text[..digits], unit).map(|n| sign * n)
}

/// `02:11`, `02:11:04` or `02:11:04.000001`: nanoseconds since midnight.
pub(super) fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = decimal(parts.next().unwrap_or("0"), SECOND)?;
    let ok = parts.next().is_none() && (0..24).contains(&hours) && (0..60).contains(&minutes);
    (ok && seconds < 60 * SECOND).then(|| (hours * 60 + minutes) * 60 * SECOND + seconds)
}

/// A decimal number times `unit`, exactly.
fn decimal(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: i64 = format!("{fraction:0<9}").parse().ok()?;
    let part = i128::from(nine) * i128::from(unit) / i128::from(SECOND);
    whole
        .checked_mul(unit)?
        .checked_add(i64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_exact_to_the_nanosecond() {
        assert_eq!(duration("1.8s"), Some(1_800_000_000));
        assert_eq!(duration("-90s"), Some(-90 * SECOND));
        assert_eq!(duration("0.000001"), Some(1000));
        assert_eq!(duration("5 m"), None);
        assert_eq!(clock("02:11:04.000001"), Some(7_864_000_001_000));
        assert_eq!(clock("24:00"), None);
        assert_eq!(clock("evil"), None);
    }

    #[test]
    fn quoted_text_is_one_word_and_a_comment_is_none() {
        let mut words = Words::of(1, "a \"b c\" d # e").unwrap();
        assert_eq!(words.next("x").unwrap(), "a");
        assert_eq!(words.next("x").unwrap(), "b c");
        assert!(words.take("d") && words.is_done());
        assert!(
            words
                .next("the port")
                .unwrap_err()
                .message
                .contains("the port is missing")
        );
        assert!(Words::of(1, "\"open").is_err());
    }
}
