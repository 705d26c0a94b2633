//! Whether a rule's plan gives the same answer on every machine: independent of partitions, batch sizes,
//! the order of files, the clock and chance. People's own questions are not held to this.

use std::{collections::BTreeSet, fmt};

use datafusion::{
    common::{
        DFSchema,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Aggregate, Distinct, Expr, ExprSchemable, Join, JoinType, LogicalPlan, SortExpr, Volatility,
        WindowFrameUnits, WindowFunctionDefinition, expr::AggregateFunction, expr::WindowFunction,
    },
};

/// Why a plan's answer is not fixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// The clock, chance, or the place of a file: `now`, `random`, `uuid`.
    Volatile {
        /// The function.
        function: String,
    },
    /// An approximation, whose sketch depends on the order of rows.
    Approximate {
        /// The function.
        function: String,
    },
    /// Floats are added up, and their sum depends on the order.
    FloatAggregate {
        /// The function.
        function: String,
    },
    /// The result depends on which of several rows with equal sort keys comes first.
    PartialOrder {
        /// What depends on it: a function, `LIMIT`, `DISTINCT ON`, the answer.
        what: String,
        /// The keys it is ordered by.
        order: Vec<String>,
    },
    /// A function that is not known to be exact.
    Unknown {
        /// The function.
        function: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Violation::Volatile { function } => {
                write!(f, "{function} depends on the clock, chance or a place")
            }
            Violation::Approximate { function } => write!(f, "{function} approximates"),
            Violation::FloatAggregate { function } => {
                write!(f, "{function} adds floats: sum integers or decimals, or compute it in a sweep")
            }
            Violation::PartialOrder { what, order } if order.is_empty() => write!(f, "{what} has no order"),
            Violation::PartialOrder { what, order } => {
                write!(f, "{what} is ordered by {}, which is no unique key", order.join(", "))
            }
            Violation::Unknown { function } => write!(f, "{function} is not known to be exact"),
        }
    }
}

/// What stands against the determinism of a plan, sorted, without repetitions; empty if nothing does.
///
/// `plan` must be as the SQL says it ([`crate::Engine::plan`]): an optimised plan has already replaced
/// `now()` by a literal. `unique` lists sets of column names that the rule knows to be unique where they
/// occur, e.g. `&[&["blob"], &["source_id", "item_id"]]`; a set counts in a schema that has each name
/// exactly once. An order is total where its keys include such a set, what `GROUP BY` or `DISTINCT` made
/// unique, or all columns (equal rows cannot be told apart).
pub fn check_plan(plan: &LogicalPlan, unique: &[&[&str]]) -> Vec<Violation> {
    let mut check = Check { unique, found: BTreeSet::new() };
    check.plan(plan);
    check.found.into_iter().collect()
}

/// As [`check_plan`], and the answer's own order must be total: what every rule ends in.
pub fn check_rule(plan: &LogicalPlan, unique: &[&[&str]]) -> Vec<Violation> {
    let mut check = Check { unique, found: BTreeSet::new() };
    check.plan(plan);
    check.limited("the answer", plan);
    check.found.into_iter().collect()
}

/// How an aggregate function may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The same for every order of its rows.
    Exact,
    /// Exact, unless it adds floats.
    Sums,
    /// Adds floats always.
    Floats,
    /// Depends on the order of its rows.
    Ordered,
}

/// The aggregate functions; others are not known to be exact. `approx_*` is told by its name.
const AGGREGATES: &[(Use, &[&str])] = &[
    (
        Use::Exact,
        &[
            "count",
            "min",
            "max",
            "bool_and",
            "bool_or",
            "bit_and",
            "bit_or",
            "bit_xor",
            "grouping",
            "median",
            "percentile_cont",
        ],
    ),
    (Use::Sums, &["sum", "avg"]),
    (
        Use::Floats,
        &[
            "var",
            "var_pop",
            "stddev",
            "stddev_pop",
            "corr",
            "covar_samp",
            "covar_pop",
            "regr_slope",
            "regr_intercept",
            "regr_count",
            "regr_r2",
            "regr_avgx",
            "regr_avgy",
            "regr_sxx",
            "regr_syy",
            "regr_sxy",
        ],
    ),
    (Use::Ordered, &["array_agg", "string_agg", "first_value", "last_value", "nth_value"]),
];

struct Check<'a> {
    unique: &'a [&'a [&'a str]],
    found: BTreeSet<Violation>,
}

impl Check<'_> {
    fn plan(&mut self, plan: &LogicalPlan) {
        // The walk itself cannot fail: no step of it returns an error.
        let _ = plan.apply_with_subqueries(|node| {
            self.node(node);
            for expr in node.expressions() {
                self.expr(&expr, node);
            }
            Ok(TreeNodeRecursion::Continue)
        });
    }

    fn node(&mut self, node: &LogicalPlan) {
        match node {
            LogicalPlan::Limit(limit) => self.limited("LIMIT", &limit.input),
            LogicalPlan::Sort(sort) if sort.fetch.is_some() => {
                self.ordered("LIMIT", &sort.expr, &[], &sort.input);
            }
            LogicalPlan::Distinct(Distinct::On(on)) => {
                let order = on.sort_expr.clone().unwrap_or_default();
                self.ordered("DISTINCT ON", &order, &on.on_expr, &on.input);
            }
            // A view is part of the question.
            LogicalPlan::TableScan(scan) => {
                if let Some(view) = scan.source.get_logical_plan() {
                    self.plan(&view);
                }
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr, node: &LogicalPlan) {
        let _ = expr.apply(|part| {
            match part {
                Expr::ScalarFunction(function)
                    if function.func.signature().volatility != Volatility::Immutable =>
                {
                    self.add(Violation::Volatile { function: function.func.name().to_owned() });
                }
                Expr::ScalarVariable(_, names) => self.add(Violation::Volatile { function: names.join(".") }),
                Expr::AggregateFunction(function) => self.aggregate(part, function, node),
                Expr::WindowFunction(function) => self.window(part, function, node),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
    }

    fn aggregate(&mut self, expr: &Expr, function: &AggregateFunction, node: &LogicalPlan) {
        let Some(input) = node.inputs().first().copied() else { return };
        let name = function.func.name();
        if self.kind(name, expr, input.schema()) == Some(Use::Ordered) {
            let group = match node {
                LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.as_slice(),
                _ => &[],
            };
            // Where the order covers what is aggregated, rows of equal keys bring equal values.
            let order = &function.params.order_by;
            let fixed = columns(order.iter().map(|sort| &sort.expr).chain(group), input.schema());
            let covered = function.params.args.iter().all(|arg| match bare(arg) {
                Expr::Literal(..) => true,
                arg => index(arg, input.schema()).is_some_and(|at| fixed.contains(&at)),
            });
            if !covered {
                self.ordered(name, order, group, input);
            }
        }
    }

    fn window(&mut self, expr: &Expr, function: &WindowFunction, node: &LogicalPlan) {
        let Some(input) = node.inputs().first().copied() else { return };
        let frame = &function.params.window_frame;
        let whole = frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded();
        let by_rows = frame.units == WindowFrameUnits::Rows && !whole;
        let ordered = match &function.fun {
            // row_number, rank, lag, first_value and the like: they all number or pick rows.
            WindowFunctionDefinition::WindowUDF(_) => true,
            WindowFunctionDefinition::AggregateUDF(aggregate) => {
                self.kind(aggregate.name(), expr, input.schema()) == Some(Use::Ordered) || by_rows
            }
        };
        if ordered {
            let params = &function.params;
            self.ordered(function.fun.name(), &params.order_by, &params.partition_by, input);
        }
    }

    /// The use of an aggregate function, having noted what is wrong with it whatever the order.
    fn kind(&mut self, name: &str, expr: &Expr, schema: &DFSchema) -> Option<Use> {
        let function = name.to_owned();
        if name.starts_with("approx_") {
            self.add(Violation::Approximate { function });
            return None;
        }
        let found = AGGREGATES.iter().find(|(_, names)| names.contains(&name)).map(|(kind, _)| *kind);
        match found {
            None => self.add(Violation::Unknown { function }),
            Some(Use::Floats) => self.add(Violation::FloatAggregate { function }),
            // avg of integers is a float as well. What has no type is not exact for sure.
            Some(Use::Sums) if expr.get_type(schema).map_or(true, |data_type| data_type.is_floating()) => {
                self.add(Violation::FloatAggregate { function });
            }
            _ => {}
        }
        found
    }

    /// Notes where the first rows of `input` are not fixed.
    fn limited(&mut self, what: &str, input: &LogicalPlan) {
        match input {
            LogicalPlan::Sort(sort) => self.ordered(what, &sort.expr, &[], &sort.input),
            // These keep the order of what they stand on.
            LogicalPlan::Projection(projection) => self.limited(what, &projection.input),
            LogicalPlan::SubqueryAlias(alias) => self.limited(what, &alias.input),
            LogicalPlan::Limit(limit) => self.limited(what, &limit.input),
            other => self.ordered(what, &[], &[], other),
        }
    }

    /// Notes where `order`, among rows that are equal in `equal`, is not total over the rows of `input`.
    fn ordered(&mut self, what: &str, order: &[SortExpr], equal: &[Expr], input: &LogicalPlan) {
        let schema = input.schema();
        let sorted = columns(order.iter().map(|sort| &sort.expr).chain(equal), schema);
        let all: Key = (0..schema.fields().len()).collect();
        let mut keys = self.keys(input);
        keys.push(all);
        if !keys.iter().any(|key| key.is_subset(&sorted)) {
            let order = order.iter().map(|sort| sort.expr.to_string()).collect();
            self.add(Violation::PartialOrder { what: what.to_owned(), order });
        }
    }

    /// Sets of columns, as positions in the schema, of which no two rows of `plan` have the same.
    fn keys(&self, plan: &LogicalPlan) -> Vec<Key> {
        let mut keys = match plan {
            LogicalPlan::Aggregate(aggregate) => grouped(aggregate).into_iter().collect(),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut keys = self.keys(input);
                keys.push((0..plan.schema().fields().len()).collect());
                keys
            }
            LogicalPlan::Projection(projection) => {
                let exprs = projection.expr.iter().map(|expr| index(bare(expr), projection.input.schema()));
                let exprs = exprs.collect::<Vec<_>>();
                let place = |at: &usize| exprs.iter().position(|expr| *expr == Some(*at));
                self.keys(&projection.input)
                    .iter()
                    .filter_map(|key| key.iter().map(place).collect::<Option<Key>>())
                    .collect()
            }
            LogicalPlan::Filter(filter) => self.keys(&filter.input),
            LogicalPlan::Sort(sort) => self.keys(&sort.input),
            LogicalPlan::Limit(limit) => self.keys(&limit.input),
            LogicalPlan::SubqueryAlias(alias) => self.keys(&alias.input),
            // The input's columns come first.
            LogicalPlan::Window(window) => self.keys(&window.input),
            LogicalPlan::Join(join) => self.joined(join),
            LogicalPlan::TableScan(scan) if scan.projection.is_none() => {
                scan.source.get_logical_plan().map(|view| self.keys(&view)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        keys.extend(self.unique.iter().filter_map(|names| named(names, plan.schema())));
        keys.truncate(MOST_KEYS);
        keys
    }

    /// A pair of rows is named by a key of each side.
    fn joined(&self, join: &Join) -> Vec<Key> {
        let shift = join.left.schema().fields().len();
        match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                let right = self.keys(&join.right);
                let pairs = self.keys(&join.left).into_iter().flat_map(|left| {
                    right
                        .iter()
                        .map(move |right| {
                            left.iter().copied().chain(right.iter().map(|at| at + shift)).collect::<Key>()
                        })
                        .collect::<Vec<_>>()
                });
                pairs.collect()
            }
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => self.keys(&join.left),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => self.keys(&join.right),
        }
    }

    fn add(&mut self, violation: Violation) {
        self.found.insert(violation);
    }
}

/// Positions of columns in a schema.
type Key = BTreeSet<usize>;

/// Keys of one plan that are looked at: joins multiply them.
const MOST_KEYS: usize = 32;

fn grouped(aggregate: &Aggregate) -> Option<Key> {
    let sets = aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
    (!sets).then(|| (0..aggregate.group_expr.len()).collect())
}

fn named(names: &[&str], schema: &DFSchema) -> Option<Key> {
    let place = |name: &&str| {
        let mut places =
            schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name).map(|(at, _)| at);
        places.next().filter(|_| places.next().is_none())
    };
    names.iter().map(place).collect()
}

fn columns<'a>(exprs: impl Iterator<Item = &'a Expr>, schema: &DFSchema) -> Key {
    exprs.filter_map(|expr| index(bare(expr), schema)).collect()
}

fn index(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match expr {
        Expr::Column(column) => schema.maybe_index_of_column(column),
        // An expression that the node below has computed already.
        other => {
            let name = other.schema_name().to_string();
            schema.maybe_index_of_column(&datafusion::common::Column::from_name(name))
        }
    }
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        expr => expr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn plans_that_are_refused() {
        let (_dir, engine) = fixture::small().open();
        for (sql, expected) in [
            ("SELECT now() FROM items", "now depends on the clock, chance or a place"),
            ("SELECT current_date() FROM items", "current_date depends on the clock, chance or a place"),
            ("SELECT current_timestamp FROM items", "now depends on the clock, chance or a place"),
            ("SELECT 1 FROM items WHERE random() < 0.5", "random depends on the clock, chance or a place"),
            ("SELECT uuid()", "uuid depends on the clock, chance or a place"),
            ("SELECT approx_distinct(blob) FROM items", "approx_distinct approximates"),
            (
                "SELECT sum(CAST(bytes AS DOUBLE)) FROM items",
                "sum adds floats: sum integers or decimals, or compute it in a sweep",
            ),
            (
                "SELECT avg(bytes) FROM items",
                "avg adds floats: sum integers or decimals, or compute it in a sweep",
            ),
            (
                "SELECT stddev(bytes) FROM items",
                "stddev adds floats: sum integers or decimals, or compute it in a sweep",
            ),
            ("SELECT path FROM items LIMIT 1", "LIMIT has no order"),
            ("SELECT path FROM items OFFSET 1", "LIMIT has no order"),
            (
                "SELECT path, bytes FROM items ORDER BY path LIMIT 1",
                "LIMIT is ordered by items.path, which is no unique key",
            ),
            ("SELECT * FROM (SELECT path, walk FROM items LIMIT 1) ORDER BY walk", "LIMIT has no order"),
            ("SELECT 1 FROM items WHERE blob IN (SELECT blob FROM headers LIMIT 1)", "LIMIT has no order"),
            ("SELECT (SELECT max(walk) FROM (SELECT walk FROM items OFFSET 2))", "LIMIT has no order"),
            ("SELECT array_agg(path) FROM items", "array_agg has no order"),
            (
                "SELECT array_agg(path ORDER BY bytes) FROM items",
                "array_agg is ordered by items.bytes, which is no unique key",
            ),
            ("SELECT string_agg(path, ',') FROM items", "string_agg has no order"),
            (
                "SELECT first_value(path ORDER BY depth) FROM items GROUP BY state",
                "first_value is ordered by items.depth, which is no unique key",
            ),
            ("SELECT last_value(path) FROM items", "last_value has no order"),
            ("SELECT row_number() OVER () FROM items", "row_number has no order"),
            (
                "SELECT rank() OVER (ORDER BY depth) FROM items",
                "rank is ordered by items.depth, which is no unique key",
            ),
            (
                "SELECT lag(path) OVER (PARTITION BY state ORDER BY depth) FROM items",
                "lag is ordered by items.depth, which is no unique key",
            ),
            (
                "SELECT sum(bytes) OVER (ORDER BY depth ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM items",
                "sum is ordered by items.depth, which is no unique key",
            ),
            (
                "SELECT DISTINCT ON (state) state, path FROM items ORDER BY state, depth",
                "DISTINCT ON is ordered by items.state, items.depth, which is no unique key",
            ),
            (
                "SELECT state, count(*) n FROM items GROUP BY state ORDER BY n LIMIT 1",
                "LIMIT is ordered by n, which is no unique key",
            ),
            // `blob` is unique in neither: the rule's word counts for one column of that name only.
            (
                "SELECT m.subject FROM messages m JOIN headers h ON m.blob = h.blob ORDER BY m.blob LIMIT 1",
                "LIMIT is ordered by m.blob, which is no unique key",
            ),
        ] {
            let plan = engine.plan(sql).unwrap();
            let found = check_plan(&plan, UNIQUE).iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(found, [expected], "{sql}");
        }
    }

    const UNIQUE: &[&[&str]] = &[&["source_id", "item_id"], &["walk"], &["blob", "ordinal"]];

    #[test]
    fn plans_that_pass() {
        let (_dir, engine) = fixture::small().open();
        for sql in [
            "SELECT path FROM items",
            "SELECT count(*), sum(bytes), min(path), max(walk), count(DISTINCT blob) FROM items",
            "SELECT avg(CAST(bytes AS DECIMAL(20, 4))) FROM items",
            "SELECT path FROM items ORDER BY source_id, item_id LIMIT 3",
            "SELECT i.path FROM items i ORDER BY i.depth, i.walk LIMIT 3",
            "SELECT path FROM (SELECT path, walk AS w, walk FROM items) ORDER BY walk LIMIT 3",
            "SELECT walk FROM (SELECT * FROM items ORDER BY walk LIMIT 3) ORDER BY walk",
            "SELECT DISTINCT state, depth FROM items ORDER BY depth, state LIMIT 2",
            "SELECT state, count(*) n FROM items GROUP BY state ORDER BY n, state LIMIT 1",
            "SELECT lower(state), count(*) n FROM items GROUP BY lower(state) ORDER BY n, lower(state) LIMIT 1",
            "SELECT count(*) FROM items LIMIT 1",
            "SELECT array_agg(path ORDER BY walk) FROM items",
            "SELECT array_agg(path ORDER BY path) FROM items",
            "SELECT string_agg(path, ',' ORDER BY path) FROM items GROUP BY state",
            "SELECT state, first_value(path ORDER BY walk) FROM items GROUP BY state",
            "SELECT row_number() OVER (PARTITION BY source_id ORDER BY item_id) FROM items",
            "SELECT lag(path) OVER (ORDER BY bytes, walk) FROM items",
            "SELECT sum(bytes) OVER (PARTITION BY state ORDER BY depth) FROM items",
            "SELECT max(bytes) OVER (PARTITION BY state) FROM items",
            "SELECT DISTINCT ON (state) state, path FROM items ORDER BY state, walk",
            "SELECT i.path FROM items i JOIN headers h ON i.blob = h.blob ORDER BY i.walk, h.blob, h.ordinal LIMIT 1",
            "SELECT path FROM items WHERE date_part('year', to_timestamp('2020-01-01T00:00:00Z')) = 2020",
        ] {
            let plan = engine.plan(sql).unwrap();
            assert_eq!(check_plan(&plan, UNIQUE), [], "{sql}");
        }
    }

    #[test]
    fn rules_end_in_a_total_order() {
        let (_dir, engine) = fixture::small().open();
        for (sql, passes) in [
            ("SELECT path, walk FROM items ORDER BY walk", true),
            ("SELECT path, walk FROM items", false),
            ("SELECT path, walk FROM items ORDER BY path", false),
            ("SELECT path FROM items ORDER BY path", true),
            ("SELECT state, count(*) FROM items GROUP BY state ORDER BY state", true),
            ("SELECT count(*) FROM items", true),
            ("SELECT path FROM mails ORDER BY source_id, item_id", true),
        ] {
            let found = check_rule(&engine.plan(sql).unwrap(), UNIQUE);
            assert_eq!(found.is_empty(), passes, "{sql}: {found:?}");
        }
    }

    /// Every aggregate function of this version is either in the table or refused by name.
    #[test]
    fn the_table_names_functions_that_exist() {
        let (_dir, engine) = fixture::small().open();
        let known = engine.aggregate_names();
        for name in AGGREGATES.iter().flat_map(|(_, names)| *names) {
            assert!(known.iter().any(|known| known == name), "{name} is no aggregate function");
        }
    }
}
