package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.AltairException
import dev.altair.model.Attachment
import dev.altair.model.EntityId
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach

/** An open store with everything that the app shows of it. */
class Workspace(private val altair: Altair, scope: CoroutineScope) {
    val statements = Statements()
    val navigation = Navigation()

    internal val acts = Acts(scope, statements)

    val editor = Editor(altair, acts, navigation)
    val inbox = InboxModel(altair, acts, navigation, editor)
    val notes = NotesModel(altair, acts, navigation)
    val quests = QuestsModel(altair, acts, navigation)
    val items = ItemsModel(altair, acts, navigation)
    val locations = LocationsModel(altair, acts, navigation)
    val search = SearchModel(altair, acts, navigation)
    val trash = TrashModel(altair, acts, navigation, editor)
    val history = HistoryModel(altair, acts)
    val conflicts = ConflictsModel(altair, acts)
    val vault = VaultImportModel(altair, acts)
    val undo = UndoModel(altair, acts, editor)
    val status = StatusModel(altair, acts)

    init {
        navigation.place.onEach { place ->
            history.hide()
            editor.open(place.open?.takeIf { place.section != Section.Trash })
        }.launchIn(scope)
    }

    /** Opens what a statement speaks of. */
    fun open(subject: Statement.Subject) {
        statements.dismiss()
        navigation.open(subject.kind, subject.id)
    }

    /** Where an attachment's bytes are; null when they aren't here, which is stated where they should be. */
    suspend fun fileOf(attachment: EntityId): AttachedFile? = try {
        altair.attachments.open(attachment).let { AttachedFile(it.attachment, it.path) }
    } catch (_: AltairException.NotFound) {
        null
    } catch (_: AltairException.Closed) {
        null
    } catch (trouble: AltairException) {
        statements.trouble(trouble)
        null
    }

    /** Stores what is being typed; false when some of it couldn't be stored, which is stated. */
    suspend fun settle(): Boolean = editor.settle()

    /** Leaves what is being typed, which goes to the inbox when it can't be stored where it belongs. */
    internal suspend fun leave() {
        editor.open(null)
        editor.settle()
    }
}

/** An attachment with its bytes on this machine. */
data class AttachedFile(val attachment: Attachment, val path: String)
