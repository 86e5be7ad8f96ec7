//! What `#[async_trait]` did to a function before it came here.

use syn::{Block, Expr, ExprAsync, FnArg, LocalInit, Pat, Signature, Stmt};

/// Takes the statements that bind the patterns of arguments out of the block, so that tags can name what they bind.
//
// Input:
//     fn run<'async_trait>(__arg1: (u8, u8)) -> Pin<Box<..>> {
//         Box::pin(async move { let (left, right) = { let __arg1 = __arg1; __arg1 }; statements })
//     }
//
// Taken:
//     let (left, right) = { let __arg1 = __arg1; __arg1 };
pub(crate) fn take_patterns(sig: &Signature, block: &mut ExprAsync) -> Vec<Stmt> {
    let is_positional =
        |pat: &Pat| matches!(pat, Pat::Ident(name) if name.ident.to_string().starts_with("__arg"));
    if !sig
        .inputs
        .iter()
        .any(|input| matches!(input, FnArg::Typed(input) if is_positional(&input.pat)))
    {
        return Vec::new();
    }
    let binds_argument = |statement: &Stmt| {
        let Stmt::Local(local) = statement else {
            return false;
        };
        let Some(LocalInit { expr, .. }) = &local.init else {
            return false;
        };
        let Expr::Block(syn::ExprBlock {
            block: Block { stmts, .. },
            ..
        }) = &**expr
        else {
            return false;
        };
        matches!(&stmts[..], [Stmt::Local(first), _] if is_positional(&first.pat))
    };
    let (taken, left) = std::mem::take(&mut block.block.stmts)
        .into_iter()
        .partition(binds_argument);
    block.block.stmts = left;
    taken
}
