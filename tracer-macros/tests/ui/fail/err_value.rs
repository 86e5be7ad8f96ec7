use tracer_core::traced;

#[traced(err = true)]
fn charge() -> Result<(), String> {
    Ok(())
}

fn main() {
    charge().unwrap();
}
