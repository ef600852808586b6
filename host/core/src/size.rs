//! Numbers of bytes, as people write and read them.

/// Reads a number of bytes with a unit of 1024, such as `500K`, `50M` or `1G`; without a unit it is bytes.
pub fn parse(text: &str) -> Option<u64> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let count = digits.parse::<u64>().ok();
    count.and_then(|count| count.checked_mul(1 << shift))
}

/// Returns a size in its largest unit, with one digit after the point.
pub fn show(count: u64) -> String {
    let tenths = |unit: u64| {
        let whole = count / unit;
        format!("{whole}.{}", (count - whole * unit) * 10 / unit)
    };
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{}K", tenths(1 << 10)),
        1_048_576..1_073_741_824 => format!("{}M", tenths(1 << 20)),
        _ => format!("{}G", tenths(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit() {
        let table = [
            ("500", Some(500)),
            ("4k", Some(4096)),
            ("50M", Some(52_428_800)),
            ("1G", Some(1_073_741_824)),
            ("0", Some(0)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("1.5G", None),
            ("50MB", None),
            ("99999999999G", None),
            ("5é", None),
        ];
        for (text, wanted) in table {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_size_is_told_in_its_largest_unit() {
        let table = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5K"),
            (52_428_800, "50.0M"),
            (u64::MAX, "17179869183.9G"),
        ];
        for (count, wanted) in table {
            assert_eq!(show(count), wanted);
        }
    }
}
