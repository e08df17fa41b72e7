//! Numbers, times and ids as text. Pure: the same text on the server and in the browser.

use tally_chain::UnixSecs;
use tally_chain::calendar::Utc;

use crate::model::BaseUnits;

/// Digits in groups of three: `1,234,567`.
pub fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An integer in groups of three.
pub fn count(value: impl Into<u64>) -> String {
    grouped(&value.into().to_string())
}

/// `1 block`, `2 blocks`.
pub fn plural(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// At most `places` decimals, trailing zeros dropped, whole part grouped.
pub fn decimal(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let text = format!("{:.places$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        "-"
    } else {
        ""
    };
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{dot}{fraction}", grouped(whole))
}

/// A large figure with an SI prefix and three significant digits, which no line break parts: `5.24 M`.
pub fn si(value: f64) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut scaled = value;
    let mut step = 0;
    while scaled.abs() >= 999.5 && step + 1 < PREFIXES.len() {
        scaled /= 1_000.0;
        step += 1;
    }
    let places = if step == 0 && scaled.fract() == 0.0 || scaled.abs() >= 99.95 {
        0
    } else if scaled.abs() >= 9.995 {
        1
    } else {
        2
    };
    format!("{}\u{a0}{}", decimal(scaled, places), PREFIXES[step])
}

/// Hashes a second: `5.24 MH/s`.
pub fn hash_rate(value: f64) -> String {
    format!("{}H/s", si(value))
}

/// Expected hashes: `5.24 M hashes`.
pub fn hashes(value: f64) -> String {
    format!("{}\u{a0}hashes", si(value).trim_end_matches('\u{a0}'))
}

/// Bytes in binary steps: `1.5 KiB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut step = 0;
    while scaled >= 1_024.0 && step + 1 < UNITS.len() {
        scaled /= 1_024.0;
        step += 1;
    }
    format!(
        "{} {}",
        decimal(scaled, if step == 0 || scaled >= 100.0 { 0 } else { 1 }),
        UNITS[step]
    )
}

/// Seconds as people read them: `8.2 s`, `3 min`, `2 h`, `5 days`.
pub fn duration(seconds: f64) -> String {
    let magnitude = seconds.abs();
    match magnitude {
        m if m < 9.95 => format!("{} s", decimal(seconds, 1)),
        m if m < 119.5 => format!("{} s", decimal(seconds, 0)),
        m if m < 7_170.0 => format!("{} min", decimal(seconds / 60.0, 0)),
        m if m < 172_800.0 => format!("{} h", decimal(seconds / 3_600.0, 0)),
        _ => format!("{} days", decimal(seconds / 86_400.0, 0)),
    }
}

/// A share as a whole percentage; never 0 % for something, never 100 % for less than all.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        v if v <= 0.0 => "0 %".to_owned(),
        v if v < 1.0 => "< 1 %".to_owned(),
        v if v > 99.0 && v < 100.0 => "> 99 %".to_owned(),
        v => format!("{} %", decimal(v, 0)),
    }
}

/// Seconds by which a block's time may run ahead of the clocks without being news: rules B3 and B4 let it.
const AHEAD: u64 = 120;

/// `12 s ago`, `just now`; `in 3 min` where it is well ahead.
pub fn ago(then: u64, now: u64) -> String {
    if then >= now && then - now <= AHEAD {
        "just now".to_owned()
    } else if then > now {
        format!("in {}", duration((then - now) as f64))
    } else {
        format!("{} ago", duration((now - then) as f64))
    }
}

/// `2026-11-23 09:05:12 UTC`
pub fn utc(unix: u64) -> String {
    let Utc { year, month, day, .. } = UnixSecs(unix).utc();
    format!("{year:04}-{month:02}-{day:02} {} UTC", clock(unix))
}

/// `09:05:12`
pub fn clock(unix: u64) -> String {
    let Utc {
        hour, minute, second, ..
    } = UnixSecs(unix).utc();
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-23T09:05:12Z`, for machines.
pub fn iso(unix: u64) -> String {
    UnixSecs(unix).utc().to_string()
}

/// The two ends of an id around an ellipsis; short ids stay whole.
pub fn shortened(id: &str, head: usize, tail: usize) -> String {
    let length = id.chars().count();
    if length <= head + tail + 2 {
        return id.to_owned();
    }
    let start: String = id.chars().take(head).collect();
    let end: String = id.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// An amount in coins: grouped whole part and the decimals that are not trailing zeros, all of
/// them unless `places` is fewer, in which case the rest is cut off, never rounded up.
pub fn coins(amount: &BaseUnits, places: Option<u8>) -> (String, String) {
    let (whole, fraction) = amount.split();
    let kept = places.map_or(fraction.as_str(), |places| {
        &fraction[..usize::from(places).min(fraction.len())]
    });
    (grouped(&whole), kept.trim_end_matches('0').to_owned())
}

/// An exact amount of coins as one text, without the symbol.
pub fn exact_coins(amount: &BaseUnits) -> String {
    let (whole, fraction) = coins(amount, None);
    if fraction.is_empty() {
        whole
    } else {
        format!("{whole}.{fraction}")
    }
}

/// A text as part of the name of a file: letters and digits stay.
pub fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = text.trim().chars().map(plain).take(40).collect();
    if name.is_empty() { "account".to_owned() } else { name }
}

/// Percent-encodes what may not stand in a query value.
pub fn query_value(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_naturally() {
        assert_eq!(count(0u64), "0");
        assert_eq!(count(1_234_567u64), "1,234,567");
        assert_eq!(decimal(1_234.50, 2), "1,234.5");
        assert_eq!(decimal(-0.001, 2), "0");
        assert_eq!(decimal(f64::NAN, 2), "unknown");
        assert_eq!(hash_rate(5_236_000.0), "5.24\u{a0}MH/s");
        assert_eq!(hash_rate(999_700.0), "1\u{a0}MH/s");
        assert_eq!(hash_rate(0.0), "0\u{a0}H/s");
        assert_eq!(hashes(5_236_000.0), "5.24\u{a0}M\u{a0}hashes");
        assert_eq!(hashes(16.0), "16\u{a0}hashes");
        assert_eq!(bytes(1_023), "1,023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.001), "< 1 %");
        assert_eq!(percent(0.999), "> 99 %");
        assert_eq!(plural(1, "block", "blocks"), "1 block");
    }

    #[test]
    fn times_are_utc_and_relative() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(iso(1_795_424_712), "2026-11-23T09:05:12Z");
        assert_eq!(clock(1_795_424_712), "09:05:12");
        assert_eq!(ago(100, 100), "just now");
        assert_eq!(ago(88, 100), "12 s ago");
        assert_eq!(ago(103, 100), "just now", "blocks may be a little ahead");
        assert_eq!(ago(400, 100), "in 5 min");
        assert_eq!(ago(0, 7_200), "2 h ago");
    }

    #[test]
    fn amounts_are_exact_or_cut_never_rounded_up() {
        let amount = BaseUnits::new("1234999999999999999999");
        assert_eq!(exact_coins(&amount), "1,234.999999999999999999");
        assert_eq!(coins(&amount, Some(2)), ("1,234".into(), "99".into()));
        assert_eq!(exact_coins(&BaseUnits::new("21000000000000")), "0.000021");
    }

    #[test]
    fn ids_keep_both_ends() {
        assert_eq!(shortened("0x0123456789abcdef0123", 6, 4), "0x0123…0123");
        assert_eq!(shortened("0x012345", 6, 4), "0x012345");
        assert_eq!(query_value("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
