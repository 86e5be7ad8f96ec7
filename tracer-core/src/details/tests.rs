//! What details keep, and how they travel.

mod model;

use super::*;

fn shown(details: &Details) -> String {
    let tags = details.tags().map(|(key, value)| format!("{key}={value}"));
    let logs = details.logs().map(|(time, fields)| {
        assert_eq!(fields.len(), fields.size_hint().0);
        let fields = fields.map(|(key, value)| format!("{key}={value}"));
        format!("{time:?}[{}]", fields.collect::<Vec<_>>().join(" "))
    });
    let all: Vec<_> = details
        .name()
        .map(str::to_owned)
        .into_iter()
        .chain(tags)
        .chain(logs)
        .collect();
    all.join(" ")
}

fn filled() -> Details {
    let mut details = Details::new(Limits::default());
    assert!(details.set_tag("a", &1.into()));
    details.set_name("name");
    assert!(details.log(
        LogTime::Wall(5),
        &[("x".into(), true.into()), ("y".into(), "z".into())]
    ));
    assert!(details.set_tag("b", &"two".into()));
    assert!(details.log(LogTime::Counter(6), &[("f".into(), 0.5.into())]));
    details
}

#[test]
fn what_is_set_between_logs_is_kept_apart() {
    let details = filled();
    assert_eq!(
        shown(&details),
        "name a=1 b=two Wall(5)[x=true y=z] Counter(6)[f=0.5]"
    );
    assert_eq!((details.tag_count(), details.log_count()), (2, 2));
}

#[test]
fn a_tag_set_again_stays_in_its_place_whatever_its_length() {
    let mut details = filled();
    assert!(details.set_tag("a", &"longer than a number".into()));
    assert!(details.set_tag("b", &"".into()));
    let logs = "Wall(5)[x=true y=z] Counter(6)[f=0.5]";
    assert_eq!(
        shown(&details),
        format!("name a=longer than a number b= {logs}")
    );
    details.set_name("another");
    assert!(details.set_tag("a", &false.into()));
    assert_eq!(shown(&details), format!("another a=false b= {logs}"));
    details.clear_name();
    assert_eq!(shown(&details), format!("a=false b= {logs}"));
}

#[test]
fn a_field_is_no_tag() {
    let mut details = filled();
    assert!(details.set_tag("x", &7.into()));
    assert_eq!(
        shown(&details),
        "name a=1 b=two x=7 Wall(5)[x=true y=z] Counter(6)[f=0.5]"
    );
}

#[test]
fn sealed_details_are_the_same_elsewhere_and_no_more_is_taken() {
    let mut details = filled();
    details.truncated = true;
    for step in 0.. {
        let expected = shown(&details);
        let Some(len) = details.sealed_len() else {
            assert!(step > 64, "{step}");
            break;
        };
        let sealed = details.seal().to_owned();
        assert_eq!(sealed.len(), len.div_ceil(PIECE));
        let mut other = Details::new(Limits::default());
        assert!(other.set_tag("gone", &1.into()));
        let mut next = sealed.iter().chain([&[7; PIECE]]).copied();
        other.load(&mut next);
        assert_eq!(shown(&other), expected);
        assert!(other.truncated);
        assert_eq!(next.next(), Some([7; PIECE]));
        assert!(details.set_tag(&step.to_string(), &"x".repeat(step).into()));
    }
    let mut details = filled();
    details.started_at = Some(1);
    assert_eq!(details.sealed_len(), None);
}

#[test]
fn damaged_bytes_end_the_reading() {
    let sealed = filled().seal().to_owned();
    for end in 0..sealed.len() * PIECE {
        for bit in 0..8 {
            let mut pieces = sealed.clone();
            pieces[end / PIECE][end % PIECE] ^= 1 << bit;
            for pieces in [&pieces[..], &pieces[..end / PIECE]] {
                let mut details = Details::new(Limits::default());
                details.load(pieces.iter().copied());
                let _ = shown_unchecked(&details);
            }
        }
    }
}

fn shown_unchecked(details: &Details) -> usize {
    details.raw_tags().count()
        + details
            .raw_logs()
            .map(|(_, fields)| fields.count())
            .sum::<usize>()
}

#[test]
fn a_log_without_fields_is_none() {
    let mut details = Details::new(Limits::default());
    assert!(!details.log(LogTime::Wall(1), &[]));
    assert_eq!(shown(&details), "");
}

#[test]
fn keys_and_values_of_every_length_are_kept() {
    let text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for key in 0..40 {
        let mut details = Details::new(Limits::default());
        let mut expected = Vec::new();
        for value in 0..40 {
            let (key, value) = (format!("{}{value}", &text[..key]), &text[60 - value..60]);
            assert!(details.set_tag(&key, &value.into()));
            expected.push(format!("{key}={value}"));
        }
        assert_eq!(shown(&details), expected.join(" "));
    }
}
