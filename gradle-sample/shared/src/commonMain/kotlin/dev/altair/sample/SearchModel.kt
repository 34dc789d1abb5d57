package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.AltairException
import dev.altair.model.Hit
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.catch
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.update

/** What a search shows. */
data class SearchState(
    val open: Boolean = false,
    val query: String = "",
    val hits: List<Hit> = emptyList(),
    /** The query that [hits] answer; it may lag behind what is being typed. */
    val answered: String = "",
    val selected: Int = 0,
    /** Why the query can't be understood as it stands. */
    val hint: String? = null,
    /** Whether the best answer is to be opened as soon as it is there. */
    val choosing: Boolean = false,
) {
    val upToDate: Boolean get() = answered == query

    val found: Boolean get() = hits.isNotEmpty()
    val nothingFound: Boolean get() = query.isNotBlank() && upToDate && hits.isEmpty() && hint == null
}

/** Search as one types. Earlier answers stay in sight until the next ones are there, so that nothing flickers. */
@OptIn(ExperimentalCoroutinesApi::class)
class SearchModel(private val altair: Altair, private val acts: Acts, private val navigation: Navigation) {
    private val mutableState = MutableStateFlow(SearchState())
    private val queries = MutableStateFlow("")

    val state: StateFlow<SearchState> = mutableState.asStateFlow()

    init {
        queries.flatMapLatest(::answers).onEach { (query, hits) ->
            mutableState.update { it.answeredWith(query, hits) }
            if (mutableState.value.choosing) choose()
        }.launchIn(acts.scope)
    }

    fun open() = mutableState.update { it.copy(open = true) }

    /** Closes the search and forgets the query. */
    fun close() {
        queries.value = ""
        mutableState.value = SearchState()
    }

    fun search(query: String) {
        if (query == mutableState.value.query) return
        mutableState.update { it.copy(query = query, hint = null, choosing = false) }
        queries.value = query
    }

    /** Moves the selection up or down; it stays within the answers. */
    fun move(by: Int) = mutableState.update { it.copy(selected = (it.selected + by).coerceIn(0, it.hits.lastIndex.coerceAtLeast(0))) }

    /** Opens one of the answers, the selected one when none is named. Answers that are still to come are waited for. */
    fun choose(hit: Hit? = null) {
        val state = mutableState.value
        if (hit == null && !state.upToDate) {
            mutableState.update { it.copy(choosing = true) }
            return
        }
        val chosen = hit ?: state.hits.getOrNull(state.selected) ?: return
        close()
        navigation.open(chosen.kind, chosen.id)
    }

    private fun answers(query: String): Flow<Pair<String, List<Hit>>> {
        if (query.isBlank()) return flowOf(query to emptyList())
        return acts.steady(altair.search.asYouType(flowOf(query), limit = MOST).notUnderstood(query)).map { query to it }
    }

    private fun Flow<List<Hit>>.notUnderstood(query: String): Flow<List<Hit>> = catch { cause ->
        if (cause !is AltairException.Invalid) throw cause
        mutableState.update { if (it.query == query) it.notUnderstood(cause.what.sentence()) else it }
    }

    private fun SearchState.notUnderstood(why: String): SearchState =
        copy(hits = emptyList(), answered = query, selected = 0, hint = why, choosing = false)

    private fun SearchState.answeredWith(query: String, hits: List<Hit>): SearchState = when {
        query != this.query -> this
        query == answered -> copy(hits = hits, selected = selected.coerceIn(0, hits.lastIndex.coerceAtLeast(0)))
        else -> copy(hits = hits, answered = query, selected = 0, hint = null)
    }

    companion object {
        /** How many answers are shown. */
        const val MOST = 40
    }
}
