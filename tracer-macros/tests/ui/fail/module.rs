use tracer_core::traced;

#[traced]
mod payment {
    pub fn charge() {}
}

fn main() {
    payment::charge();
}
