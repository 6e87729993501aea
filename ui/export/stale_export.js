(...values) => {
    // Shows that the files listed were made with other settings than those set now.
    const notice = document.querySelector("#ELEMENT [data-made]");
    if (notice) notice.hidden = JSON.stringify(JSON.parse(notice.dataset.made)) === JSON.stringify(values);
    return [];
}
