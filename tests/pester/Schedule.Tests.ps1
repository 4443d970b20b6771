BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $secret = ConvertTo-SecureString 'not-a-real-one' -AsPlainText -Force

    function Publish-TestJob {
        param([Parameter(Mandatory)] [string] $Name, $Schedule)

        New-AlloyScanSyncJob -SiteUrl https://site.example/hq -ClientId client -ClientSecret $secret -Store $store @PSBoundParameters
    }
}

Describe 'New-AlloyScanSchedule' {
    It 'makes <Words>' -ForEach @(
        @{ Words = 'Every day at 02:30 (Europe/Vienna)'; Make = { New-AlloyScanSchedule -Daily -At 02:30 -TimeZone europe/vienna } }
        @{ Words = 'Every day at 22:00 (America/Los_Angeles)'; Make = { New-AlloyScanSchedule -Daily -At '10 PM' -TimeZone 'Pacific Standard Time' } }
        @{ Words = 'Every week on Monday and Friday, every 15 minutes from 08:00 to 18:00 (UTC)'; Make = { New-AlloyScanSchedule -Weekly -Weekday Friday, Monday -EveryMinutes 15 -StartingAt 8:00 -EndingAt 18:00 -TimeZone UTC } }
        @{ Words = 'On the last Friday of January and July at 23:00 (UTC)'; Make = { New-AlloyScanSchedule -Monthly -Week Last -Weekday Friday -Month July, 1 -At 23:00 -TimeZone UTC } }
        @{ Words = 'On day 1 of every 3 months, every 2 hours from 00:00 to 23:59, from 2027-01-01 (UTC)'; Make = { New-AlloyScanSchedule -Monthly -Day 1 -Every 3 -EveryHours 2 -StartDate 2027-01-01 -TimeZone UTC } }
        @{ Words = 'Every year on day 24 of December at 12:00, from 2027-01-01 to 2029-12-31 (UTC)'; Make = { New-AlloyScanSchedule -Yearly -Day 24 -Month December -At 12:00 -StartDate 2027-01-01 -EndDate 2029-12-31 -TimeZone UTC } }
    ) {
        "$(& $Make)" | Should -BeExactly $Words
    }

    It 'refuses <Why> with <Id>' -ForEach @(
        @{ Why = '31 February'; Id = 'ScheduleNeverOccurs'; Make = { New-AlloyScanSchedule -Yearly -Day 31 -Month February -At 00:00 } }
        @{ Why = 'a week without weekdays'; Id = 'ScheduleNeverOccurs'; Make = { New-AlloyScanSchedule -Weekly -At 00:00 } }
        @{ Why = 'an end before the start'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -At 00:00 -StartDate 2027-02-01 -EndDate 2027-01-01 } }
        @{ Why = 'a window without an occurrence'; Id = 'ScheduleNeverOccurs'; Make = { New-AlloyScanSchedule -Monthly -Day 20 -At 00:00 -StartDate 2027-01-01 -EndDate 2027-01-10 } }
        @{ Why = 'an end in the past'; Id = 'ScheduleNeverOccurs'; Make = { New-AlloyScanSchedule -Daily -At 00:00 -StartDate 2020-01-01 -EndDate 2020-02-01 } }
        @{ Why = 'a span over midnight'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -EveryMinutes 15 -StartingAt 18:00 -EndingAt 08:00 } }
        @{ Why = 'once and every so often'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -At 08:00 -EveryHours 2 } }
        @{ Why = 'a day that no month has'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Monthly -Day 32 -At 00:00 } }
        @{ Why = 'an unknown zone'; Id = 'UnknownTimeZone'; Make = { New-AlloyScanSchedule -Daily -At 00:00 -TimeZone Europe/Viena } }
        @{ Why = 'no time'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily } }
        @{ Why = 'a time that is none'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -At soon } }
        @{ Why = 'every 0 minutes'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -EveryMinutes 0 } }
        @{ Why = 'every 24 hours'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -EveryHours 24 } }
        @{ Why = 'every 0 days'; Id = 'InvalidSchedule'; Make = { New-AlloyScanSchedule -Daily -At 00:00 -Every 0 } }
    ) {
        $record = Get-ErrorOf $Make
        $record.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $record.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'suggests near names for an unknown zone' {
        (Get-ErrorOf { New-AlloyScanSchedule -Daily -At 00:00 -TimeZone Europe/Viena }).ErrorDetails.RecommendedAction | Should -BeLike "*'Europe/Vienna'*"
    }

    It 'says that short months are left out' {
        $null = New-AlloyScanSchedule -Monthly -Day 31 -At 00:00 -WarningVariable warning -WarningAction SilentlyContinue
        "$warning" | Should -BeLike '*without a day 31*'
    }

    It 'completes zones' {
        $line = 'New-AlloyScanSchedule -Daily -TimeZone Europe/Vien'
        [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.CompletionText | Should -Be "'Europe/Vienna'"
    }
}

Describe 'Schedules of jobs' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
    }

    It 'takes a schedule as <Way>' -ForEach @(
        @{ Way = 'an object'; Schedule = { New-AlloyScanSchedule -Weekly -Weekday Sunday -At 03:00 -TimeZone UTC -StartDate 2027-01-01 } }
        @{ Way = 'a hashtable'; Schedule = { @{ Occurs = 'Weekly'; Weekday = 'Sunday'; At = '03:00'; TimeZone = 'UTC'; StartDate = '2027-01-01' } } }
        @{ Way = 'a hashtable with values of .NET'; Schedule = { @{ occurs = 'weekly'; weekdays = [DayOfWeek]::Sunday; at = [timespan]'03:00'; timeZone = 'UTC'; startDate = [datetime]'2027-01-01' } } }
        @{ Way = 'JSON'; Schedule = { '{"occurs":"Weekly","weekdays":["Sunday"],"at":"03:00","timeZone":"UTC","startDate":"2027-01-01"}' } }
        @{ Way = 'an object from JSON'; Schedule = { '{"occurs":"Weekly","weekdays":["Sunday"],"at":"03:00","timeZone":"UTC","startDate":"2027-01-01"}' | ConvertFrom-Json } }
        @{ Way = 'the schedule of another job'; Schedule = { (Publish-TestJob Other -Schedule '{"occurs":"Weekly","weekdays":["Sunday"],"at":"03:00","timeZone":"UTC","startDate":"2027-01-01"}').Schedule } }
    ) {
        $job = Publish-TestJob HQ -Schedule (& $Schedule)
        $job.Schedule.ToJson() | Should -BeExactly '{"occurs":"Weekly","weekdays":["Sunday"],"at":"03:00","startDate":"2027-01-01","timeZone":"UTC"}'
        $job.NextRunAt.UtcDateTime | Should -BeGreaterOrEqual ([datetime]'2027-01-03T03:00:00')
        "$((Get-AlloyScanSyncJob HQ -Store $store).Schedule)" | Should -BeExactly 'Every week on Sunday at 03:00 (UTC)'
    }

    It 'sets, keeps and removes a schedule' {
        $null = Publish-TestJob HQ
        (Get-AlloyScanSyncJob HQ -Store $store).Schedule | Should -BeNullOrEmpty
        Set-AlloyScanSyncJob HQ -Schedule @{ Occurs = 'Daily'; At = '01:00' } -Store $store -WhatIf
        (Get-AlloyScanSyncJob HQ -Store $store).Schedule | Should -BeNullOrEmpty
        Set-AlloyScanSyncJob HQ -Schedule @{ Occurs = 'Daily'; At = '01:00' } -Store $store
        Set-AlloyScanSyncJob HQ -ThrottleLimit 3 -Store $store
        "$((Get-AlloyScanSyncJob HQ -Store $store).Schedule.At)" | Should -Not -BeNullOrEmpty
        (Set-AlloyScanSyncJob HQ -Schedule $null -Store $store -PassThru).Schedule | Should -BeNullOrEmpty
    }

    It 'shows the schedule in words and the next run, and none for a disabled job' {
        $null = Publish-TestJob HQ -Schedule @{ Occurs = 'Daily'; At = '01:00'; TimeZone = 'UTC' }
        (Get-AlloyScanSyncJob -Store $store | Out-String -Width 100) | Should -Match 'Every day'
        (Get-AlloyScanSyncJob -Store $store | Format-List | Out-String) | Should -Match 'Schedule *: Every day at 01:00 \(UTC\)'
        (Get-AlloyScanSyncJob -Store $store).NextRunAt | Should -Not -BeNullOrEmpty
        (Disable-AlloyScanSyncJob HQ -Store $store -PassThru).NextRunAt | Should -BeNullOrEmpty
    }

    It 'refuses <Value> with <Id> and makes no job' -ForEach @(
        @{ Value = 'every night'; Id = 'NotASchedule' }
        @{ Value = 42; Id = 'NotASchedule' }
        @{ Value = @{ Occurs = 'Daily'; At = '01:00'; Cron = '* * *' }; Id = 'UnknownScheduleMember' }
        @{ Value = @{ Occurs = 'Daily'; At = '01:00'; Every = 1.5 }; Id = 'InvalidSchedule' }
        @{ Value = @{ Occurs = 'Weekly'; At = '01:00' }; Id = 'ScheduleNeverOccurs' }
        @{ Value = @{ Occurs = 'Daily'; At = '01:00'; StartDate = '2020-01-01'; EndDate = '2020-02-01' }; Id = 'ScheduleNeverOccurs' }
        @{ Value = @{ Occurs = 'Daily'; At = '01:00'; StartDate = '2030-01-01'; EndDate = '2029-01-01' }; Id = 'InvalidSchedule' }
        @{ Value = @{ Occurs = 'Daily'; At = '01:00'; TimeZone = 'Mars/Base' }; Id = 'UnknownTimeZone' }
    ) {
        Get-ErrorId { Publish-TestJob HQ -Schedule $Value } | Should -Be $Id
        Get-AlloyScanSyncJob -Store $store | Should -BeNullOrEmpty
        # The same for a job that is there, and for a copy of it.
        $null = Publish-TestJob HQ -Schedule @{ Occurs = 'Daily'; At = '03:00'; TimeZone = 'UTC' }
        Get-ErrorId { Set-AlloyScanSyncJob HQ -Schedule $Value -Store $store } | Should -Be $Id
        Get-ErrorId { Copy-AlloyScanSyncJob HQ HQ2 -Schedule $Value -Store $store } | Should -Be $Id
        (Get-AlloyScanSyncJob -Store $store | ForEach-Object { "$($_.Name): $($_.Schedule)" }) | Should -BeLike 'HQ: Every day at 03:00*'
    }

    It 'refuses an exported job with a schedule that is wrong, and warns of one that has ended' {
        Set-Content $TestDrive/s.txt secret
        $null = New-AlloyScanSyncJob HQ -SiteUrl https://site.example/hq -ClientId client -ClientSecretFile $TestDrive/s.txt -Store $store -Schedule @{ Occurs = 'Daily'; At = '18:00'; TimeZone = 'Asia/Tokyo'; StartDate = '2027-01-01' }
        $text = Export-AlloyScanSyncJob HQ -Store $store
        Get-ErrorId { $text -replace 'Asia/Tokyo', 'Asia/Nowhere' | Import-AlloyScanSyncJob -Name Two -Store $store } | Should -Be 'UnknownTimeZone'
        Get-ErrorId { $text -replace '"startDate": "2027-01-01"', '"startDate": "2027-01-01", "endDate": "2026-01-01"' | Import-AlloyScanSyncJob -Name Two -Store $store } | Should -Be 'InvalidSchedule'
        $job = $text -replace '"startDate": "2027-01-01"', '"startDate": "2020-01-01", "endDate": "2020-02-01"' | Import-AlloyScanSyncJob -Name Two -Store $store -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike "*'Two' ended on 2020-02-01*"
        $job.NextRunAt | Should -BeNullOrEmpty
        # Other settings of such a job can still be changed.
        (Set-AlloyScanSyncJob Two -ThrottleLimit 3 -Store $store -PassThru).ThrottleLimit | Should -Be 3
    }

    It 'travels with the job' {
        Set-Content $TestDrive/s.txt secret
        $null = New-AlloyScanSyncJob HQ -SiteUrl https://site.example/hq -ClientId client -ClientSecretFile $TestDrive/s.txt -Store $store -Schedule @{ Occurs = 'Monthly'; Week = 'Last'; Weekday = 'Friday'; At = '18:00'; TimeZone = 'Asia/Tokyo' }
        $other = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $null = Export-AlloyScanSyncJob HQ -Store $store | Import-AlloyScanSyncJob -Store $other
        (Get-AlloyScanSyncJob HQ -Store $other).Schedule.ToJson() | Should -BeExactly (Get-AlloyScanSyncJob HQ -Store $store).Schedule.ToJson()
    }
}

Describe 'Get-AlloyScanSchedule' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $null = Publish-TestJob HQ -Schedule @{ Occurs = 'Daily'; At = '02:30'; TimeZone = 'Europe/Vienna'; StartDate = '2026-01-01' }
        $null = Publish-TestJob Idle
    }

    It 'lists the occurrences of <Way>' -ForEach @(
        @{ Way = 'a job by name'; List = { Get-AlloyScanSchedule HQ -Store $store -After 2027-01-01 -Next 3 } }
        @{ Way = 'a piped name'; List = { 'HQ' | Get-AlloyScanSchedule -Store $store -After 2027-01-01 -Next 3 } }
        @{ Way = 'a piped job'; List = { Get-AlloyScanSyncJob HQ -Store $store | Get-AlloyScanSchedule -After 2027-01-01 -Next 3 } }
        @{ Way = 'a schedule'; List = { Get-AlloyScanSchedule -Schedule (Get-AlloyScanSyncJob HQ -Store $store).Schedule -After 2027-01-01 -Next 3 } }
        @{ Way = 'a piped schedule'; List = { New-AlloyScanSchedule -Daily -At 02:30 -TimeZone Europe/Vienna -StartDate 2026-01-01 | Get-AlloyScanSchedule -After 2027-01-01 -Next 3 } }
        @{ Way = 'a piped hashtable'; List = { @{ Occurs = 'Daily'; At = '02:30'; TimeZone = 'Europe/Vienna' } | Get-AlloyScanSchedule -After 2027-01-01 -Next 3 } }
    ) {
        $occurrences = @(& $List)
        $occurrences.Count | Should -Be 3
        $occurrences[0].Instant.UtcDateTime.ToString('HH:mm') | Should -Be '01:30'
        $occurrences[0].LocalTime.ToString('HH:mm zzz') | Should -Be '02:30 +01:00'
        $occurrences[0].TimeZone | Should -Be 'Europe/Vienna'
        ($occurrences[1].Instant - $occurrences[0].Instant).TotalHours | Should -Be 24
    }

    It 'lists ten by default, and says where daylight saving moves one' {
        @(Get-AlloyScanSchedule HQ -Store $store).Count | Should -Be 10
        $moved = Get-AlloyScanSchedule HQ -Store $store -After 2027-03-27T12:00 -Next 1
        $moved.LocalTime.ToString('HH:mm zzz') | Should -Be '03:00 +02:00'
        $moved.Note | Should -Be 'Moved from 02:30, which the clocks skip.'
    }

    It 'reports a job without schedule and goes on' {
        $found = Get-AlloyScanSchedule Idle, HQ -Store $store -Next 1 -ErrorVariable problem -ErrorAction SilentlyContinue
        @($found).Job | Should -Be 'HQ'
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'JobNotScheduled,*'
    }

    It 'warns of a disabled job' {
        Disable-AlloyScanSyncJob HQ -Store $store
        @(Get-AlloyScanSchedule HQ -Store $store -Next 2 -WarningVariable warning -WarningAction SilentlyContinue).Count | Should -Be 2
        "$warning" | Should -BeLike '*disabled*'
    }

    It 'stops when the pipeline has enough' {
        (New-AlloyScanSchedule -Daily -EveryMinutes 1 | Get-AlloyScanSchedule -Next 100000 | Select-Object -First 2).Count | Should -Be 2
    }
}
