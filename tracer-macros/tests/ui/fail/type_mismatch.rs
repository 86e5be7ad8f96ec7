use tracer_core::traced;

#[traced]
async fn charge() -> Result<u64, String> {
    if std::env::args().count() > 7 {
        return "seven";
    }
    7
}

fn main() {
    drop(charge());
}
