use tracer_core::traced;

#[traced(kin = "client", err, skip(card))]
fn charge(card: &str) -> Result<(), String> {
    Err(card.to_owned())
}

fn main() {
    charge("").unwrap();
}
