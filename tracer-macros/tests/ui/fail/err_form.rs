use tracer_core::traced;

#[traced(err(debug))]
fn charge() -> Result<(), String> {
    Ok(())
}

fn main() {
    charge().unwrap();
}
