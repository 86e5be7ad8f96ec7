use tracer_core::traced;

#[traced(err, name = "charge", err)]
fn charge() -> Result<(), String> {
    Ok(())
}

fn main() {
    charge().unwrap();
}
