BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 60
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'views.db'
    $null = New-AlloyScanSyncJob HQ -Store $store
    $plan = Get-AlloyScanSyncPlan HQ -Store $store
    $null = Invoke-AlloyScanSync HQ -Store $store
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'The table of <Name>' {
    It 'has its columns and fits 100 characters' -ForEach @(
        @{ Name = 'SampleSite'; Get = { $site }; Head = 'SiteUrl *ClientId *Devices *Day *ProcessId *IsRunning' }
        @{ Name = 'AlloyScanConnection'; Get = { Get-AlloyScanConnection }; Head = 'Current *Name *TokenExpires *ApiCalls *SiteUrl' }
        @{ Name = 'ConnectionTestResult'; Get = { Test-AlloyScanConnection }; Head = 'SiteUrl *Succeeded *FailedStep *RoundTrip *Devices *Message' }
        @{ Name = 'ConnectionCheck'; Get = { Test-AlloyScanConnection -Detailed }; Head = 'Step *Passed *Elapsed *Detail' }
        @{ Name = 'Device'; Get = { Get-AlloyScanDevice | Select-Object -First 5 }; Head = 'Name *Type *IPAddress *LastSeen *SerialNumber' }
        @{ Name = 'AuditSnapshot'; Get = { Get-AlloyScanDevice -Type computer | Select-Object -First 3 | Get-AlloyScanSnapshot }; Head = 'Host *OperatingSystem *Memory *Software *AuditDate *Model' }
        @{ Name = 'CatalogProduct'; Get = { Get-AlloyScanSoftware | Select-Object -First 5 }; Head = 'Installs *Group *Version *Publisher *Name' }
        @{ Name = 'SyncJob'; Get = { Get-AlloyScanSyncJob -Store $store }; Head = 'Name *Enabled *LastRun *LastStatus *NextRun *Schedule' }
        @{ Name = 'Schedule'; Get = { New-AlloyScanSchedule -Weekly -Weekday Monday, Friday -EveryMinutes 30 -StartingAt 08:00 -EndingAt 18:00 -TimeZone America/Argentina/Buenos_Aires }; Head = 'Occurs *Times *StartDate *EndDate *Schedule' }
        @{ Name = 'ScheduleOccurrence'; Get = { New-AlloyScanSchedule -Daily -At 02:30 -TimeZone Europe/Vienna -StartDate 2026-03-28 | Get-AlloyScanSchedule -After 2026-03-28 -Next 3 }; Head = 'Job *LocalTime *Instant *Zone *Note' }
        @{ Name = 'IdentificationRule'; Get = { Get-AlloyScanIdentificationRule -Store $store }; Head = 'Class *Position *Name *Action *Conditions' }
        @{ Name = 'JunkIdentifier'; Get = { Get-AlloyScanJunkIdentifier -Store $store }; Head = 'Source *Attribute *Value *Effect *Links *Note' }
        @{ Name = 'IdentificationDifference'; Get = { Test-AlloyScanIdentification -Rule 'Computer: Name equals, SerialNumber does not match', 'Computer: AssetTag equals' -Job HQ -Store $store }; Head = 'Kind *Device *Record *Other *Reason' }
        @{ Name = 'SyncChange'; Get = { $plan }; Head = 'Row *Action *Class *Record *Device *Change' }
        @{ Name = 'SyncRun'; Get = { Get-AlloyScanSyncRun -Store $store }; Head = 'Id *Job *Started *Time *Status *Result' }
        @{ Name = 'JournalEntry'; Get = { Get-AlloyScanSyncChange -Store $store | Select-Object -First 20 }; Head = 'Run *Record *Action *Field *Old *New' }
        @{ Name = 'VerificationCheck'; Get = { Test-AlloyScanSync HQ -Store $store }; Head = 'Verdict *Check *Expected *Actual *Advice' }
        @{ Name = 'Computer'; Get = { Get-AlloyCmdbComputer -Store $store }; Head = 'Id *Name *OperatingSystem *SerialNumber *Status' }
        @{ Name = 'HardwareItem'; Get = { Get-AlloyCmdbHardware -Store $store }; Head = 'Id *Name *Type *IPAddress *SerialNumber *Status' }
        @{ Name = 'DiscoveredInstallation'; Get = { Get-AlloyCmdbInstallation -Store $store | Select-Object -First 20 }; Head = 'Computer *Version *Publisher *Key *Name' }
        @{ Name = 'ServiceAction'; Get = { Get-AlloyScanServiceAction -Store $store }; Head = 'Id *Class *Kind *Origin *Mappings *Name' }
        @{ Name = 'FieldMapping'; Get = { Get-AlloyScanServiceAction 2944 -ExpandMapping -Store $store }; Head = 'Field *Mode *AllowEmpty *Source' }
        @{ Name = 'RecordField'; Get = { Get-AlloyCmdbField -Store $store }; Head = 'Class *Name *Type *IsCustom' }
        @{ Name = 'SoftwareProduct'; Get = { Get-AlloyCmdbSoftwareProduct -Store $store | Select-Object -First 20 }; Head = 'Id *Installs *Version *Publisher *Name' }
    ) {
        $objects = @(& $Get)
        $objects.Count | Should -BeGreaterThan 0
        $lines = ($objects | Out-String -Width 100).TrimEnd().Split("`n").TrimEnd("`r") -replace '\e\[[\d;]*m'
        ($lines | Where-Object { $_.Trim() } | Select-Object -First 1).Trim() | Should -Match "^$Head *$"
        foreach ($line in $lines) {
            $line.TrimEnd().Length | Should -BeLessOrEqual 100
        }
    }
}

Describe 'The table of IdentificationStep' {
    It 'is grouped by device, breaks reasons between words and fits 100 characters' {
        $lines = (Get-AlloyCmdbComputer -Store $store | Select-Object -First 2 | Test-AlloyScanIdentification | Out-String -Width 100).TrimEnd().Split("`n").TrimEnd("`r") -replace '\e\[[\d;]*m'
        @($lines -match '^ *Device: ').Count | Should -Be 2
        @($lines -match '^Rule *Record *Result *Reason *$').Count | Should -Be 2
        ($lines | ForEach-Object { $_.TrimEnd().Length } | Measure-Object -Maximum).Maximum | Should -BeLessOrEqual 100
        ($lines -match 'Equal ID')[0] | Should -Match 'Linked +Linked since'
    }
}

Describe 'The list of a type' {
    It 'shows properties that exist, without our housekeeping ones' {
        $text = Get-AlloyCmdbComputer -Store $store | Select-Object -First 1 | Format-List | Out-String
        $text | Should -Match 'SerialNumber'
        $text | Should -Not -Match '(?m)^Store '
        $text | Should -Not -Match 'EqualityContract'
    }

    It 'writes objects to CSV and JSON that can be read again' {
        $computers = Get-AlloyCmdbComputer -Store $store
        $computers | Export-Csv $TestDrive/computers.csv
        (Import-Csv $TestDrive/computers.csv | Get-AlloyCmdbComputer).Id | Should -Be $computers.Id
        $json = Get-AlloyScanSyncRun -Store $store | ConvertTo-Json -Depth 4 | ConvertFrom-Json
        $json.Job | Should -Be 'HQ'
    }
}
