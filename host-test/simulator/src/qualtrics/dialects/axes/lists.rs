//! Lists.

use super::super::define::define_axes;

define_axes! {
    /// The link to the next page of a list of users, directories, contacts or erasures.
    NextPage {
        Url "next-page-url" "`result.nextPage` is a URL of the same origin.",
        OtherHost "next-page-other-host" "`result.nextPage` is a URL of another data centre, with `proxyDepth` and `proxyInfo`.",
        Token "next-page-token" "`result.nextPage` is the cursor without a URL.",
        Links "next-page-links" "`result.links.next.href` is the URL of the next page. There is no `nextPage`.",
    }
    /// The link on the last page of such a list.
    LastPage {
        Null "last-page-null" "`nextPage` of the last page is null.",
        Absent "last-page-absent" "The last page has no `nextPage`.",
    }
    /// The cursor of the erasure list.
    ErasureCursor {
        Offset "erasure-cursor-offset" "The cursor of the erasure list is a number, passed as `offset`.",
        SkipToken "erasure-cursor-skip-token" "The cursor of the erasure list is opaque, passed as `skipToken`.",
    }
    /// The cursor of a search of contacts.
    SearchCursor {
        Text "search-cursor-text" "`skipToken` of a search is a string, on full pages.",
        Number "search-cursor-number" "`skipToken` of a search is a number, on every page with contacts.",
        EmptyPage "search-empty-page" "The first page of a search is empty, and has a `skipToken`.",
    }
    /// The effect of a `pageSize` above 100.
    PageSize {
        Refused "page-size-refused" "A `pageSize` above 100 causes 400.",
        Clamped "page-size-clamped" "A `pageSize` above 100 counts as 100.",
    }
}
