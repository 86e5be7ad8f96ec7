use super::*;
use crate::propagation::HttpHeaders;
use http::{HeaderMap, HeaderValue};

fn read(headers: &[&[u8]]) -> Baggage {
    let mut reader = BaggageReader::new();
    headers.iter().for_each(|header| reader.read(header));
    reader.baggage
}

fn write(baggage: &Baggage) -> Option<String> {
    let mut map = HeaderMap::new();
    inject(baggage, &mut HttpHeaders(&mut map));
    map.get("baggage")
        .map(|value| value.to_str().unwrap().to_owned())
}

fn items(baggage: &Baggage) -> Vec<(&str, &str, &str)> {
    baggage.iter_with_properties().collect()
}

#[test]
fn members_are_read_as_the_specification_has_them() {
    type Item = (&'static str, &'static str, &'static str);
    let cases: &[(&str, &[Item])] = &[
        ("SomeKey=SomeValue", &[("SomeKey", "SomeValue", "")]),
        ("a=1,b=2", &[("a", "1", ""), ("b", "2", "")]),
        ("a=1,A=2", &[("a", "1", ""), ("A", "2", "")]),
        (
            " \ta \t= \t1 \t; \tp \t= \tq \t; \tr \t, \tb = 2 ",
            &[("a", "1", "p=q;r"), ("b", "2", "")],
        ),
        ("a=1;p;q=1=2;r=", &[("a", "1", "p;q=1=2;r=")]),
        ("a=1=2=", &[("a", "1=2=", "")]),
        ("a=", &[("a", "", "")]),
        (
            "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
            &[
                ("userId", "Amélie", ""),
                ("serverNode", "DF 28", ""),
                ("isProduction", "false", ""),
            ],
        ),
        ("a=1+1%2B", &[("a", "1+1+", "")]),
        ("a=%FF", &[("a", "\u{fffd}", "")]),
        ("a=100%", &[("a", "100%", "")]),
        ("a=a \"b\"", &[("a", "a \"b\"", "")]),
        ("a=1;p=%2c", &[("a", "1", "p=%2c")]),
        // The later value of a key counts.
        ("a=1,b=2,a=3", &[("a", "3", ""), ("b", "2", "")]),
        // Malformed members and properties go, the others stay.
        ("", &[]),
        (", ,a=1,,", &[("a", "1", "")]),
        ("a,b=1", &[("b", "1", "")]),
        ("=1,b=1", &[("b", "1", "")]),
        ("k k=1,b=1", &[("b", "1", "")]),
        ("k(=1,b=1", &[("b", "1", "")]),
        ("a=1;=2;p p;q=\"r\";s", &[("a", "1", "s")]),
    ];
    for (header, expected) in cases {
        assert_eq!(items(&read(&[header.as_bytes()])), *expected, "{header:?}");
    }
    assert_eq!(items(&read(&[b"k\xff=1,b=1"])), [("b", "1", "")]);
    assert_eq!(items(&read(&[b"a=1", b"b=2, c=3"])).len(), 3);
}

#[test]
fn values_are_encoded_and_properties_survive() {
    let mut baggage = Baggage::new();
    baggage.set("plain", "a+b=c:/?#[]@!$&'()*~");
    baggage.set_with_properties("rich", "ü, \"x\";\\ 100%\r\n", "ttl=30;private");
    let header = write(&baggage).unwrap();
    assert_eq!(
        header,
        "plain=a+b=c:/?#[]@!$&'()*~,rich=%C3%BC%2C%20%22x%22%3B%5C%20100%25%0D%0A;ttl=30;private"
    );
    assert_eq!(read(&[header.as_bytes()]), baggage);
}

#[test]
fn what_is_no_token_and_no_property_is_not_written() {
    let mut baggage = Baggage::new();
    for key in ["", "a b", "a\r\nx", "a=", "a,", "ü", "a:"] {
        baggage.set(key, "1");
    }
    assert_eq!(write(&baggage), None);
    baggage.set_with_properties("a", "1", "p=1,b=2;q\r\nx;ok; r = 1 ;;=");
    assert_eq!(write(&baggage).unwrap(), "a=1;ok;r=1");
}

#[test]
fn a_header_of_the_application_is_left_alone_when_there_is_no_baggage() {
    let mut map = HeaderMap::new();
    map.insert("baggage", HeaderValue::from_static("own=1"));
    inject(&Baggage::new(), &mut HttpHeaders(&mut map));
    assert_eq!(map.get("baggage").unwrap(), "own=1");
}

#[test]
fn at_most_64_members_are_read() {
    let members: Vec<_> = (0..70).map(|n| format!("k{n}={n}")).collect();
    let baggage = read(&[
        members[..40].join(",").as_bytes(),
        members[40..].join(",").as_bytes(),
    ]);
    assert_eq!(baggage.len(), 64);
    assert_eq!(baggage.get("k63"), Some("63"));
    // A flood of one key does not count as one member.
    let flood = format!("{}b=2", "a=1,".repeat(64));
    assert_eq!(items(&read(&[flood.as_bytes()])), [("a", "1", "")]);
}

#[test]
fn exactly_8192_bytes_over_all_headers_are_read_and_written() {
    // 64 members of 127 bytes and 63 commas, and one byte more.
    let mut members: Vec<_> = (0..64)
        .map(|n| format!("k{n:02}={}", "v".repeat(123)))
        .collect();
    members[63].push('w');
    let all = members.join(",");
    assert_eq!(all.len(), 8192);
    let baggage = read(&[all.as_bytes()]);
    assert_eq!(baggage.len(), 64);
    assert_eq!(write(&baggage).unwrap(), all);
    let (first, second) = (members[..30].join(","), members[30..].join(","));
    assert_eq!(read(&[first.as_bytes(), second.as_bytes()]), baggage);

    // A byte more, and the last member is gone whole.
    members[0].push('v');
    let baggage = read(&[members.join(",").as_bytes()]);
    assert_eq!((baggage.len(), baggage.get("k63")), (63, None));
    let (first, second) = (members[..30].join(","), members[30..].join(","));
    assert_eq!(read(&[first.as_bytes(), second.as_bytes()]), baggage);
}

#[test]
fn a_member_that_ends_at_the_limit_is_whole() {
    let member = format!("a={}", "v".repeat(8190));
    assert_eq!(read(&[member.as_bytes()]).len(), 1);
    assert_eq!(read(&[format!("{member},b=1").as_bytes()]).len(), 1);
    assert_eq!(read(&[format!("{member}v").as_bytes()]).len(), 0);
    assert_eq!(read(&[format!("{member}v,b=1").as_bytes()]).len(), 0);
    assert_eq!(read(&[member.as_bytes(), b"b=1"]).len(), 1);
}

#[test]
fn what_grows_beyond_the_limit_when_encoded_is_left_out_whole() {
    let mut baggage = Baggage::new();
    baggage.set("large", &"ü".repeat(1500));
    baggage.set("small", "1");
    assert_eq!(write(&baggage).unwrap(), "small=1");
}
