package dev.altair.sample.desktop.look

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.graphics.vector.PathParser
import androidx.compose.ui.unit.dp
import dev.altair.model.Kind
import dev.altair.sample.Section

private const val STAR = "M12 2.5c.7 5.6 3.4 8.5 9.5 9.5c-6.1 1-8.8 3.9-9.5 9.5c-.7-5.6-3.4-8.5-9.5-9.5c6.1-1 8.8-3.9 9.5-9.5z"

/** The app's icons: lines of one weight on a grid of 24. */
object Icons {
    val Inbox =
        icon(
            "Inbox",
            "M4 13l2.6-7.2A1.3 1.3 0 0 1 7.8 5h8.4a1.3 1.3 0 0 1 1.2.8L20 13v5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18z " +
                "M4 13h4.5l1.2 2.5h4.6l1.2-2.5H20",
        )
    val Note =
        icon(
            "Note",
            "M6.5 3.5h7.5l4.5 4.5v11a1.5 1.5 0 0 1-1.5 1.5h-10.5A1.5 1.5 0 0 1 5 19V5a1.5 1.5 0 0 1 1.5-1.5z " +
                "M13.5 3.5V8.5h5 M8.5 12.5h7 M8.5 16h5",
        )
    val Quest = icon("Quest", "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17z M8.3 12.2l2.6 2.6l4.9-5.2")
    val Item = icon("Item", "M12 3l8 4.2v9.6L12 21l-8-4.2V7.2z M4.2 7.3L12 11.5l7.8-4.2 M12 11.5V21")
    val Location =
        icon(
            "Location",
            "M12 21c-4-4.2-6.5-7.6-6.5-10.8a6.5 6.5 0 0 1 13 0C18.5 13.4 16 16.8 12 21z M12 7.7a2.4 2.4 0 1 0 0 4.8a2.4 2.4 0 1 0 0-4.8z",
        )
    val Conflict = icon("Conflict", "M12 20v-6.5 M12 13.5L6 6.5 M12 13.5l6-7 M6 11V6.5h4.5 M18 11V6.5h-4.5")
    val Trash =
        icon(
            "Trash",
            "M4.5 6.5h15 M9.5 6.5V4.5h5v2 " +
                "M6.5 6.5l.8 12.6a1.4 1.4 0 0 0 1.4 1.4h6.6a1.4 1.4 0 0 0 1.4-1.4l.8-12.6 M10.2 10.5v6 M13.8 10.5v6",
        )
    val Import = icon("Import", "M12 4v10.5 M8 10.8l4 4l4-4 M4.5 16.5v2A1.5 1.5 0 0 0 6 20h12a1.5 1.5 0 0 0 1.5-1.5v-2")
    val Search = icon("Search", "M10.8 4.5a6.3 6.3 0 1 0 0 12.6a6.3 6.3 0 1 0 0-12.6z M15.5 15.5l4.5 4.5")
    val Plus = icon("Plus", "M12 5.5v13 M5.5 12h13")
    val Minus = icon("Minus", "M5.5 12h13")
    val Close = icon("Close", "M6.5 6.5l11 11 M17.5 6.5l-11 11")
    val Check = icon("Check", "M5.5 12.5l4.3 4.3l8.7-9.3")
    val Undo = icon("Undo", "M8.5 5.5l-4 4l4 4 M4.5 9.5h9a5.5 5.5 0 0 1 0 11h-3")
    val Redo = icon("Redo", "M15.5 5.5l4 4l-4 4 M19.5 9.5h-9a5.5 5.5 0 0 0 0 11h3")
    val History = icon("History", "M4 12a8 8 0 1 0 2.5-5.8L4 8.5 M4 4.5v4h4 M12 7.8V12l3 2")
    val Moon = icon("Moon", "M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z")
    val Sun =
        icon(
            "Sun",
            "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8z M12 3v1.8 M12 19.2V21 M3 12h1.8 " +
                "M19.2 12H21 M5.6 5.6l1.3 1.3 M17.1 17.1l1.3 1.3 M5.6 18.4l1.3-1.3 M17.1 6.9l1.3-1.3",
        )
    val Back = icon("Back", "M14.5 5.5L8 12l6.5 6.5")
    val Right = icon("Right", "M9.5 5.5L16 12l-6.5 6.5")
    val Down = icon("Down", "M5.5 9.5L12 16l6.5-6.5")
    val Link = icon("Link", "M10 14a4 4 0 0 0 5.7.3l3-3a4 4 0 0 0-5.7-5.7L11.6 7 M14 10a4 4 0 0 0-5.7-.3l-3 3a4 4 0 0 0 5.7 5.7L12.4 17")
    val Backlink = icon("Backlink", "M9.5 8l-5 5l5 5 M4.5 13h9a6 6 0 0 0 6-6V5.5")
    val Calendar =
        icon(
            "Calendar",
            "M5.5 5.5h13A1.5 1.5 0 0 1 20 7v11.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18.5V7a1.5 1.5 0 0 1 1.5-1.5z " +
                "M4 10h16 M8.5 3.5v4 M15.5 3.5v4",
        )
    val Bolt = icon("Bolt", "M13 3.5L5.5 13.5h5.5L10.5 20.5L18.5 10H13z")
    val Write = icon("Write", "M4.5 19.5l.9-4L16.2 4.7a1.6 1.6 0 0 1 2.3 0l.8.8a1.6 1.6 0 0 1 0 2.3L8.5 18.6z")
    val Both =
        icon("Both", "M5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5v-11A1.5 1.5 0 0 1 5.5 5z M12 5v14")
    val Read = icon("Read", "M12 6.8C10.2 5.5 7.5 5 4 5v13.2c3.5 0 6.2.5 8 1.8c1.8-1.3 4.5-1.8 8-1.8V5c-3.5 0-6.2.5-8 1.8z M12 6.8V20")
    val Folder =
        icon("Folder", "M4 6.5A1.5 1.5 0 0 1 5.5 5h4l2 2.5h7A1.5 1.5 0 0 1 20 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5z")
    val Warning = icon("Warning", "M12 4l9 15.5H3z M12 10v4.5 M12 17v.2")
    val Star = icon("Star", STAR)

    /** The app itself. */
    val App: ImageVector = ImageVector.Builder("Altair", 64.dp, 64.dp, 24f, 24f)
        .addPath(
            PathParser().parsePathString("M6 1h12a5 5 0 0 1 5 5v12a5 5 0 0 1-5 5h-12a5 5 0 0 1-5-5v-12a5 5 0 0 1 5-5z").toNodes(),
            fill = SolidColor(Color(0xFF17645C)),
        )
        .addPath(PathParser().parsePathString(STAR).toNodes(), fill = SolidColor(Color(0xFFFFFFFF)))
        .build()

    fun of(section: Section): ImageVector = when (section) {
        Section.Inbox -> Inbox
        Section.Notes -> Note
        Section.Quests -> Quest
        Section.Items -> Item
        Section.Locations -> Location
        Section.Conflicts -> Conflict
        Section.Trash -> Trash
        Section.Import -> Import
    }

    fun of(kind: Kind): ImageVector = when (kind) {
        Kind.Capture -> Inbox
        Kind.Note -> Note
        Kind.Quest -> Quest
        Kind.Item -> Item
        Kind.Location -> Location
        Kind.Link -> Link
        Kind.Attachment -> Note
    }

    private fun icon(name: String, path: String): ImageVector = ImageVector.Builder(name, 20.dp, 20.dp, 24f, 24f)
        .addPath(
            pathData = PathParser().parsePathString(path).toNodes(),
            stroke = SolidColor(Color.Black),
            strokeLineWidth = 1.6f,
            strokeLineCap = StrokeCap.Round,
            strokeLineJoin = StrokeJoin.Round,
        ).build()
}
