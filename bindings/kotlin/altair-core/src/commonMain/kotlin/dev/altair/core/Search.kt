package dev.altair.core

import dev.altair.model.Cursor
import dev.altair.model.Hit
import dev.altair.model.Kind
import dev.altair.model.Page
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.flowOf

/**
 * Finding things by their words. What was just written is found at once; accents don't matter, and the last word may be half typed. A query may hold
 * "phrases", -exclusions, `kind:note`, `tag:garden` and `after:2026-01-01`.
 */
public class Search internal constructor(private val engine: Engine) {
    /** The best answers first: [limit] at most, 1 to 1000. */
    public suspend fun find(
        query: String,
        kind: Kind? = null,
        tag: String? = null,
        limit: Int = PAGE,
        after: Cursor? = null,
    ): Page<Hit> = engine.search(query, kind, tag, limit, after)

    /**
     * Search as you type: for each query the answers to it, and again whenever something changes, until the next query comes. A query that is
     * blank gives nothing; one that can't be understood, as `kind:nonsense`, throws and ends the flow.
     */
    @OptIn(ExperimentalCoroutinesApi::class)
    public fun asYouType(queries: Flow<String>, kind: Kind? = null, limit: Int = PAGE): Flow<List<Hit>> =
        queries.distinctUntilChanged().conflate().flatMapLatest { query ->
            if (query.isBlank()) {
                flowOf(emptyList())
            } else {
                observe(engine, emptySet()) { find(query, kind, limit = limit).items }
            }
        }
}
