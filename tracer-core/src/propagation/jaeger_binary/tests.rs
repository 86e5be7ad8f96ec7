use super::*;

const VECTOR: &str = "000000000000000097695c30ba774a6d78b468aa80bdb00c00000000000000000100000001\
                      000000024b31000000067620312fc3bc";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn inject(context: &SpanContext) -> Vec<u8> {
    let mut blob = Vec::new();
    Binary(&mut blob).inject(context, &[]);
    blob
}

fn extract(blob: &[u8]) -> Result<Option<SpanContext>, ExtractError> {
    Binary(blob).extract(&[])
}

/// Ids and flags, and after them the number of items and whatever `items` says.
fn blob(count: i32, items: &[&[u8]]) -> Vec<u8> {
    let mut blob = bytes(VECTOR)[..33].to_vec();
    blob.extend(count.to_be_bytes());
    blob.extend(items.concat());
    blob
}

#[test]
fn the_python_clients_blob_is_read_and_written_byte_for_byte() {
    let context = extract(&bytes(VECTOR)).unwrap().unwrap();
    assert_eq!(context.trace_id(), TraceId::from(0x97695c30ba774a6d));
    assert_eq!(context.span_id(), SpanId(0x78b468aa80bdb00c));
    assert!(context.parent_id().is_none() && context.is_remote());
    assert_eq!(context.decision(), Decision::Sampled);
    assert_eq!(context.baggage_item("K1"), Some("v 1/ü"));
    assert_eq!(inject(&context), bytes(VECTOR));
}

#[test]
fn all_fields_come_back() {
    let context = SpanContext::remote(
        TraceId::from(u128::MAX - 1),
        SpanId(u64::MAX),
        Decision::Refused,
    )
    .with_parent_id(SpanId(7))
    .with_flags(0xff)
    .with_baggage_item("", "")
    .with_baggage_item("ü", "a\r\n\0b");
    assert_eq!(extract(&inject(&context)), Ok(Some(context)));
}

#[test]
fn a_blob_cut_anywhere_is_damaged() {
    let whole = bytes(VECTOR);
    for end in 0..whole.len() {
        assert_eq!(extract(&whole[..end]), Err(CUT), "{end}");
    }
    assert_eq!(
        extract(&[&whole[..], b"payload"].concat()),
        extract(&whole),
        "what follows is not ours"
    );
}

#[test]
fn declared_sizes_are_not_trusted() {
    for count in [-1, i32::MIN, 181, i32::MAX] {
        assert!(
            matches!(extract(&blob(count, &[&[0; 8]])), Err(Corrupted(_))),
            "{count} items"
        );
    }
    for length in [-1, i32::MIN, 4097, i32::MAX] {
        let length = length.to_be_bytes();
        assert!(
            matches!(
                extract(&blob(1, &[&length, &[b'k'; 5000]])),
                Err(Corrupted(_))
            ),
            "key of {length:?}"
        );
        let key = [0, 0, 0, 1, b'k'];
        assert!(
            matches!(
                extract(&blob(1, &[&key, &length, &[b'v'; 5000]])),
                Err(Corrupted(_))
            ),
            "value of {length:?}"
        );
    }
    assert_eq!(extract(&blob(180, &[])), Err(CUT));
    assert_eq!(
        extract(&blob(180, &[&[0; 8 * 180]]))
            .unwrap()
            .unwrap()
            .baggage()
            .len(),
        1
    );
}

#[test]
fn a_key_and_value_of_4096_bytes_are_the_longest() {
    let item = |value: usize| {
        blob(
            1,
            &[
                &[0, 0, 0, 1, b'k'],
                &(value as u32).to_be_bytes(),
                &vec![b'v'; value],
            ],
        )
    };
    assert_eq!(extract(&item(4095)).unwrap().unwrap().baggage().len(), 1);
    assert!(extract(&item(4096)).is_err());
    // One that the Go client would refuse the whole context for is not written.
    let context = extract(&blob(0, &[])).unwrap().unwrap();
    let written = inject(
        &context
            .with_baggage_item("k", &"v".repeat(4096))
            .with_baggage_item("l", "v"),
    );
    assert_eq!(
        extract(&written)
            .unwrap()
            .unwrap()
            .baggage()
            .iter()
            .collect::<Vec<_>>(),
        [("l", "v")]
    );
}

#[test]
fn values_cut_by_the_java_client_are_read_as_far_as_they_go() {
    // "ü!" is two UTF-16 units long, so Java writes two of its three bytes; "€" is one, and is cut within.
    let ue = [&[0, 0, 0, 1, b'k', 0, 0, 0, 2][..], &"ü!".as_bytes()[..2]].concat();
    let euro = [&[0, 0, 0, 1, b'l', 0, 0, 0, 1][..], &"€".as_bytes()[..1]].concat();
    let context = extract(&blob(2, &[&ue, &euro])).unwrap().unwrap();
    assert_eq!(
        context.baggage().iter().collect::<Vec<_>>(),
        [("k", "ü"), ("l", "\u{fffd}")]
    );
}

#[test]
fn a_trace_id_of_zero_is_no_trace_but_may_have_baggage() {
    assert_eq!(extract(&[0; 37]), Ok(None));
    let baggage = SpanContext::remote(TraceId::NONE, SpanId(1), Decision::Deferred)
        .with_baggage_item("k", "v");
    let written = inject(&baggage);
    assert_eq!(written[..32], [0; 32]);
    let context = extract(&written).unwrap().unwrap();
    assert_eq!(
        (context.is_valid(), context.baggage_item("k")),
        (false, Some("v"))
    );
    assert_eq!(context.decision(), Decision::Deferred);
    let mut no_span = bytes(VECTOR);
    no_span[16..24].fill(0);
    assert!(matches!(extract(&no_span), Err(Corrupted(_))));
}

#[test]
fn an_injection_appends_and_any_bytes_are_read() {
    let context = extract(&bytes(VECTOR)).unwrap();
    let mut blob = b"frame".to_vec();
    Binary(&mut blob).inject(context.as_ref().unwrap(), &[]);
    assert_eq!(blob[..5], *b"frame");
    let blob = blob[5..].to_vec();
    assert_eq!(Binary(&blob).extract(&[]), Ok(context.clone()));
    assert_eq!(Binary(blob).extract(&[]), Ok(context));
}
