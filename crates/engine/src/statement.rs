//! Which statements are questions. Everything else is refused before it is planned; the plan is checked
//! as well, so that a statement hidden inside a question is refused too.

use datafusion::{
    execution::{context::SQLOptions, session_state::SessionState},
    logical_expr::LogicalPlan,
    sql::{
        parser::{DFParserBuilder, Statement},
        sqlparser::ast::{self, Query, SetExpr},
    },
};
use tamis_model::names;

use crate::EngineError;

/// Parses `sql` as one question.
pub(crate) fn parse(state: &SessionState, sql: &str) -> Result<Statement, EngineError> {
    let limit = state.config_options().sql_parser.recursion_limit;
    let mut statements = DFParserBuilder::new(sql)
        .with_recursion_limit(limit.into())
        .build()
        .and_then(|mut parser| parser.parse_statements())?;
    let count = statements.len();
    match (statements.pop_front(), count) {
        (Some(statement), 1) if is_question(&statement) => Ok(statement),
        (Some(statement), 1) => Err(EngineError::NotReadOnly { statement: first_words(&statement) }),
        _ => Err(EngineError::NotOne { count }),
    }
}

/// Refuses plans that change something: the second lock behind [`parse`].
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), EngineError> {
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| EngineError::NotReadOnly {
        statement: plan.display().to_string().chars().take(60).collect(),
    })
}

fn is_question(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => is_sql_question(statement),
        Statement::Explain(explain) => is_question(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}

fn is_sql_question(statement: &ast::Statement) -> bool {
    match statement {
        ast::Statement::Query(query) => is_query(query),
        ast::Statement::Explain { statement, .. } => is_sql_question(statement),
        ast::Statement::ExplainTable { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. } => true,
        _ => false,
    }
}

fn is_query(query: &Query) -> bool {
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
    is_body(&query.body) && ctes.into_iter().all(|cte| is_query(&cte.query))
}

fn is_body(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => is_query(query),
        SetExpr::SetOperation { left, right, .. } => is_body(left) && is_body(right),
        SetExpr::Values(_) | SetExpr::Table(_) => true,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
    }
}

fn first_words(statement: &Statement) -> String {
    let text = statement.to_string();
    let words = text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    names::printable(&words.chars().take(60).collect::<String>())
}
