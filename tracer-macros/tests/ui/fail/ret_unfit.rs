use tracer_core::traced;

struct Receipt;

#[traced(ret)]
fn charge() -> Receipt {
    Receipt
}

#[traced(err, ret(Display))]
async fn refund() -> Result<Receipt, String> {
    Ok(Receipt)
}

fn main() {
    charge();
    drop(refund());
}
