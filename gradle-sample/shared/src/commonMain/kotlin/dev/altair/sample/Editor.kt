package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.AltairException
import dev.altair.model.Attachment
import dev.altair.model.Capture
import dev.altair.model.Details
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Link
import dev.altair.model.Location
import dev.altair.model.Note
import dev.altair.model.Quest
import dev.altair.sample.markdown.MarkdownDocument
import dev.altair.sample.markdown.readMarkdown
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.FlowPreview
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.consumeAsFlow
import kotlinx.coroutines.flow.debounce
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.mapLatest
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import kotlin.concurrent.Volatile
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** Whether what was typed is stored. */
enum class Saving { Saved, Waiting, Failed }

/** An entity that is open: what is stored, what is being typed, and what it is connected with. */
data class Editing(
    val details: Details,
    val title: Draft,
    val body: Draft,
    val document: MarkdownDocument = MarkdownDocument.Empty,
    val saving: Saving = Saving.Saved,
) {
    val entity: Entity get() = details.entity
    val id: EntityId get() = entity.id
    val dirty: Boolean get() = title.dirty || body.dirty
}

/**
 * The one entity that is open. What is typed is saved after a pause of [pause] and on leaving. What others write to the same entity
 * appears at once; what is being typed is kept and merged over it.
 */
@OptIn(FlowPreview::class, ExperimentalCoroutinesApi::class)
class Editor(
    private val altair: Altair,
    private val acts: Acts,
    private val navigation: Navigation,
    private val pause: Duration = 400.milliseconds,
) {
    private val mutableState = MutableStateFlow<Editing?>(null)

    @Volatile
    private var session: Session? = null
    private var leaving: Job? = null

    /** What was left and could neither be stored nor be put into the inbox. It is on the screen again when its entity is opened. */
    private val unsaved = mutableMapOf<EntityId, Session>()

    val state: StateFlow<Editing?> = mutableState.asStateFlow()

    /** Opens an entity, or nothing. What was open is saved first; what can't be saved goes to the inbox. */
    fun open(id: EntityId?) {
        if (session?.id == id) return
        leave()
        session = id?.let { Session(it, unsaved.remove(it)?.editing?.value) }
        show()
    }

    /** The title of [id] as it was typed into a [revision] of its draft. */
    fun typeTitle(id: EntityId, revision: Int, text: String, selection: Selection) =
        type(id) { it.copy(title = it.title.typed(revision, text, selection)) }

    /** The body of [id] as it was typed into a [revision] of its draft. */
    fun typeBody(id: EntityId, revision: Int, text: String, selection: Selection) =
        type(id) { it.copy(body = it.body.typed(revision, text, selection)) }

    /** Ticks a task of the body, or clears it. */
    fun toggleTask(id: EntityId, mark: Int) = type(id) { editing ->
        val body = editing.body
        val now = body.text.getOrNull(mark) ?: return@type editing
        val toggled = body.text.replaceRange(mark, mark + 1, if (now == ' ') "x" else " ")
        editing.copy(body = body.changed(toggled))
    }

    fun addTag(tag: String): Job = tag(listOf(tag.trim().removePrefix("#")), emptyList())

    fun removeTag(tag: String): Job = tag(emptyList(), listOf(tag))

    /** Follows a wiki link of the open note: opens what it means, or makes the note that it names. */
    fun follow(target: String): Job = acts.launch {
        val name = target.substringBefore('#').trim()
        val open = mutableState.value ?: return@launch
        if (name.isEmpty()) return@launch
        settle()
        val linked = altair.entities.details(open.id).links
        val found = linked.firstOrNull { it.id != null && it.title.equals(nameIn(name), ignoreCase = true) }?.id
            ?: linked.mapNotNull { it.id }.firstOrNull { altair.entities.get(it).answersTo(name) }
        if (found == null) {
            val made = altair.notes.create(nameIn(name))
            acts.statements.done("Note made: ${made.title.named()}", "Ctrl-Z takes that back")
            navigation.open(Kind.Note, made.id)
        } else {
            navigation.open(altair.entities.get(found).kind, found)
        }
    }

    /** Returns when all that was typed is stored, or couldn't be and that has been stated; whether nothing is left to store. */
    suspend fun settle(): Boolean {
        val saved = session?.save() ?: true
        leaving?.join()
        unsaved.keys.toList().mapNotNull(unsaved::remove).forEach { it.saveLast() }
        return saved && unsaved.isEmpty()
    }

    private fun tag(add: List<String>, remove: List<String>): Job = acts.launch {
        session?.let { altair.entities.tag(it.id, add, remove) }
    }

    private fun type(id: EntityId, change: (Editing) -> Editing) {
        session?.takeIf { it.id == id }?.type(change)
    }

    private fun leave() {
        val left = session ?: return
        session = null
        show()
        leaving = left.finish(leaving)
    }

    /** Shows how the present session stands, whichever thread changed it last. */
    private fun show() {
        do {
            val shown = session
            val editing = shown?.editing?.value
            mutableState.value = editing
        } while (session !== shown || shown?.editing?.value !== editing)
    }

    /** The time during which one entity is open, and until what was typed in it is stored. It begins with what was [kept]. */
    private inner class Session(val id: EntityId, kept: Editing?) {
        val editing = MutableStateFlow(kept)

        private val typing = Channel<Unit>(Channel.CONFLATED)
        private val writing = Mutex()
        private val job = acts.scope.launch(start = CoroutineStart.UNDISPATCHED) {
            launch { acts.steady(altair.watch().conflate().map { refresh() }).collect {} }
            launch { typing.consumeAsFlow().debounce(pause).collect { save() } }
            launch { preview() }
        }

        fun type(change: (Editing) -> Editing) {
            update { change(this).let { if (it.dirty) it.copy(saving = Saving.Waiting) else it } }
            typing.trySend(Unit)
        }

        /** Stores what was typed; false when that failed and has been stated. Once begun it is finished, for the engine won't stop either. */
        suspend fun save(): Boolean = withContext(NonCancellable) {
            val saved = acts.attempt { writing.withLock { write() } } != null
            if (!saved) update { failed() }
            saved
        }

        /** Ends, and stores what was typed last once a save that is under way is done. It is done when [before] is, too. */
        fun finish(before: Job?): Job {
            job.cancel()
            return acts.scope.launch {
                saveLast()
                before?.join()
            }
        }

        /** Stores what was typed when nobody sees it any more: in the inbox when it can't be stored where it belongs. */
        suspend fun saveLast() = withContext(NonCancellable) {
            try {
                writing.withLock { write() }
            } catch (trouble: AltairException) {
                update { failed() }
                rescue(trouble)
            }
        }

        private suspend fun rescue(trouble: AltairException) {
            val left = editing.value ?: return acts.statements.trouble(trouble)
            val words = left.typedWords()
            if (words.isBlank()) return acts.statements.trouble(trouble)
            val what = "${left.details.entity.title.named()} couldn't be saved: ${trouble.what}"
            try {
                val capture = altair.inbox.capture(words)
                acts.statements.trouble(what, "what was typed is in the inbox now", Statement.Subject(capture.id, Kind.Capture))
            } catch (_: AltairException) {
                unsaved[id] = this
                acts.statements.trouble(what, "open it again to find what was typed; it is kept until Altair is closed")
            }
        }

        private suspend fun refresh() = writing.withLock {
            val details = try {
                altair.entities.details(id)
            } catch (_: AltairException.NotFound) {
                navigation.forget(id)
                return@withLock
            }
            editing.update { it?.over(details) ?: Editing(details, Draft(details.entity.title), Draft(details.entity.body)) }
            show()
        }

        private suspend fun write() {
            if (editing.value?.dirty != true) return update { written() }
            val current = altair.entities.get(id)
            update { copy(title = title.rebased(current.title), body = body.rebased(current.body)) }
            val sent = editing.value?.takeIf { it.dirty } ?: return update { written() }
            val stored = altair.store(current, sent.title, sent.body)
            update {
                copy(
                    details = details.copy(entity = stored),
                    title = title.written(sent.title.text, stored.title),
                    body = body.written(sent.body.text, stored.body),
                ).written()
            }
        }

        private suspend fun preview() {
            editing.filterNotNull().map { it.body.text }.distinctUntilChanged().mapLatest { text ->
                withContext(Dispatchers.Default) { readMarkdown(text) }
            }.collect { document -> update { copy(document = document) } }
        }

        private fun update(change: Editing.() -> Editing) {
            editing.update { it?.change() }
            show()
        }
    }
}

private fun Editing.over(details: Details): Editing =
    copy(details = details, title = title.rebased(details.entity.title), body = body.rebased(details.entity.body))

private fun Editing.written(): Editing = copy(saving = if (dirty) Saving.Waiting else Saving.Saved)

private fun Editing.failed(): Editing = if (dirty) copy(saving = Saving.Failed) else this

/** What was typed and isn't stored. */
private fun Editing.typedWords(): String = listOf(title, body).filter { it.dirty && it.text.isNotBlank() }.joinToString("\n\n") { it.text }

/** The text of an entity that one can type into: Markdown, or a capture's words. */
val Entity.body: String
    get() = when (this) {
        is Note -> body
        is Quest -> body
        is Item -> body
        is Capture -> text
        is Location, is Link, is Attachment -> ""
    }

private suspend fun Altair.store(current: Entity, title: Draft, body: Draft): Entity = when (current) {
    is Note -> notes.edit(current.id) {
        if (title.dirty) this.title = title.text
        if (body.dirty) this.body(text = body.text, base = body.base)
    }
    is Quest -> quests.edit(current.id) {
        if (title.dirty) this.title = title.text
        if (body.dirty) this.body(text = body.text, base = body.base)
    }
    is Item -> items.edit(current.id) {
        if (title.dirty) this.name = title.text
        if (body.dirty) this.body(text = body.text, base = body.base)
    }
    is Location -> locations.edit(current.id) { name = title.text }
    is Capture -> inbox.edit(current.id, body.text, body.base)
    is Link, is Attachment -> current
}

private fun nameIn(target: String): String = target.substringAfterLast('/').removeSuffix(".md")

private fun Entity.answersTo(target: String): Boolean = this is Note &&
    (
        aliases.any { it.equals(target, ignoreCase = true) } ||
            path.orEmpty().removeSuffix(".md").endsWith(target.removeSuffix(".md"), ignoreCase = true)
        )
