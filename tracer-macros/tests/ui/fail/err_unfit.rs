use tracer_core::traced;

struct Declined;

#[traced(err)]
fn charge() -> Result<(), Declined> {
    Err(Declined)
}

#[traced(err(Display))]
async fn refund() -> Result<(), Declined> {
    Err(Declined)
}

fn main() {
    let _ = charge();
    drop(refund());
}
