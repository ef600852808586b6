use serde_json::json;

use super::*;

fn json(text: &str) -> serde_json::Value {
    parse(text.as_bytes()).expect("YAML").json()
}

/// What goyaml.v2 makes of plain scalars, and kubectl of what it made.
#[test]
fn a_plain_scalar_is_what_yaml_1_1_says() {
    let table = [
        ("text", json!("text")),
        ("", json!(null)),
        ("~", json!(null)),
        ("y", json!(true)),
        ("Off", json!(false)),
        ("yEs", json!("yEs")),
        ("12345", json!(12345)),
        ("1_000", json!(1000)),
        ("0x1F", json!(31)),
        ("0b11", json!(3)),
        ("017", json!(15)),
        ("018", json!(18.0)),
        ("-5", json!(-5)),
        ("1.5e3", json!(1500.0)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("1e3", json!(1000.0)),
        ("1e999", json!("1e999")),
        ("1.2.3", json!("1.2.3")),
        ("0xg", json!("0xg")),
        ("2026-11-30", json!("2026-11-30")),
        ("\"12345\"", json!("12345")),
        ("'yes'", json!("yes")),
        ("!!str 12345", json!("12345")),
        ("!!int \"5\"", json!(5)),
        ("!own 5", json!("5")),
        ("!!binary aGk=", json!("hi")),
        ("|-\n a\n b", json!("a\nb")),
    ];
    for (text, wanted) in table {
        assert_eq!(json(&format!("a: {text}\n"))["a"], wanted, "{text:?}");
    }
}

#[test]
fn of_two_equal_keys_the_last_counts() {
    assert_eq!(json("a: 1\nb: 2\na: 3\n"), json!({ "a": 3, "b": 2 }));
}

#[test]
fn only_the_first_document_counts() {
    assert_eq!(json("a: 1\n---\n}{\n"), json!({ "a": 1 }));
    assert_eq!(json("# nothing\n"), json!(null));
    assert_eq!(json(""), json!(null));
}

#[test]
fn aliases_and_merges_are_followed() {
    let text = "base: &b {x: 1, z: 2}\nall:\n  <<: *b\n  z: 3\nlist:\n  <<: [{x: 1}, {x: 2}]\n";
    let read = json(text);
    assert_eq!(read["all"], json!({ "x": 1, "z": 3 }));
    assert_eq!(read["list"], json!({ "x": 1 }));
}

#[test]
fn byte_order_marks_and_utf_16_are_read() {
    let utf16 = |big: bool| {
        let units = "\u{feff}a: é\r\n".encode_utf16();
        units
            .flat_map(move |unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let texts: [Vec<u8>; 3] = ["\u{feff}a: é\r\n".into(), utf16(true), utf16(false)];
    for bytes in texts {
        assert_eq!(parse(&bytes).expect("YAML").json(), json!({ "a": "é" }));
    }
}

#[test]
fn a_fault_has_a_place_and_none_of_the_text() {
    let table: [(&[u8], usize, usize); 9] = [
        (b"a: 1\nb: [SECRET\n", 2, 4),
        (b"a: \"SECRET\n", 1, 4),
        (b"a:\n\tb: SECRET\n", 2, 1),
        (b"a: 1\n  SECRET: 2\n", 2, 9),
        (b"a: *SECRET\n", 1, 4),
        (b"a: 1\nSECRET\n", 2, 1),
        (b"a: 1\nb: \xff\n", 2, 4),
        (b"a: 1\nb: SEC\x07RET\n", 2, 7),
        (b"a: &x [*x]\n", 1, 8),
    ];
    for (text, line, column) in table {
        let text_of = String::from_utf8_lossy(text);
        let Err(error) = parse(text) else {
            panic!("{text_of:?} is read");
        };
        assert_eq!(
            (error.at.line, error.at.column),
            (line, column),
            "{text_of:?}: {error:?}"
        );
        assert!(!format!("{error:?}").contains("SEC"), "{error:?}");
    }
}

#[test]
fn aliases_of_aliases_come_to_an_end() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let items = [before.as_str(); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let error = parse(text.as_bytes()).err().expect("too much");
    assert_eq!(error.what, "it has too many values");
}
