package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.AltairException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlin.coroutines.CoroutineContext

/** How the app stands. */
sealed interface AppState {
    /** The store is being opened. */
    data object Opening : AppState

    /** The store is open. */
    data class Open(val workspace: Workspace) : AppState

    /** The store can't be opened. */
    data class Failed(val cause: AltairException) : AppState

    /** The store has been closed. */
    data object Closed : AppState
}

/** The whole app without its looks. It opens the store in [directory], and closes it in the end. All work is done in [context]. */
class AppModel(val directory: String, context: CoroutineContext, private val openStore: suspend (String) -> Altair = { Altair.open(it) }) {
    private val scope = CoroutineScope(context + SupervisorJob())
    private val mutableState = MutableStateFlow<AppState>(AppState.Opening)
    private var altair: Altair? = null

    /** Whether closing has been refused once. */
    private var warned = false

    val state: StateFlow<AppState> = mutableState.asStateFlow()

    init {
        open()
    }

    /** Tries again to open the store. */
    fun retry() {
        if (mutableState.value is AppState.Failed) open()
    }

    /**
     * Stores what is being typed and closes the store. When something can't be stored, the app stays open and says so, and false is given; closing
     * once more leaves that to the inbox.
     */
    suspend fun close(): Boolean = withContext(NonCancellable) {
        val workspace = (mutableState.value as? AppState.Open)?.workspace
        if (workspace != null && !settled(workspace)) return@withContext false
        mutableState.value = AppState.Closed
        scope.cancel()
        altair?.close()
        true
    }

    /** Whether the store may be closed as far as what is being typed is concerned. */
    private suspend fun settled(workspace: Workspace): Boolean {
        if (workspace.settle()) return true
        if (warned) {
            workspace.leave()
            return true
        }
        warned = true
        val trouble = workspace.statements.current.value?.takeIf { it.tone == Statement.Tone.Trouble }
        workspace.statements.trouble(
            trouble?.what ?: "What was typed isn't saved",
            "close Altair once more to put what was typed into the inbox, where that can be done",
        )
        return false
    }

    private fun open() {
        mutableState.value = AppState.Opening
        scope.launch {
            try {
                val opened = withContext(NonCancellable) { openStore(directory) }
                take(opened)
            } catch (cause: AltairException) {
                mutableState.compareAndSet(AppState.Opening, AppState.Failed(cause))
            }
        }
    }

    /** Shows a store that has been opened, or closes it where nobody waits for it any more. */
    private suspend fun take(opened: Altair) {
        altair = opened
        if (!mutableState.compareAndSet(AppState.Opening, AppState.Open(Workspace(opened, scope)))) {
            withContext(NonCancellable) { opened.close() }
        }
    }
}
